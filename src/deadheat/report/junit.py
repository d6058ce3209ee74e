"""A run as JUnit XML, for servers that show test results.

Owns that mapping: a suite, a case for each finding (failed) and for each exploration that found nothing
(passed, or skipped where it is incomplete), and what was not tested as skipped cases, so that a run which
tested nothing does not look green. Built with the standard library's writer, which escapes; characters
that XML 1.0 cannot hold are replaced first.
"""

import re
from xml.etree import ElementTree as ET

from deadheat.model import Finding, Run
from deadheat.report import explored
from deadheat.report import finding as findings
from deadheat.report.names import Names
from deadheat.report.order import order
from deadheat.report.secrets import Masker
from deadheat.report.untested import warnings
from deadheat.report.witness import steps, words

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(run: Run) -> str:
    """The document."""
    names, masker = Names(run), Masker()
    suite = ET.Element("testsuite", {"name": _xml(f"{run.tool.name} {run.target}")})
    failed = skipped = 0
    for each in order(run.findings):
        failed += 1
        _failure(suite, each, names, masker)
    clean = [each for each in run.coverage.explorations if not each.violating]
    for exploration in clean:
        case = _case(suite, "explored", exploration.scenario, exploration.seconds)
        if not exploration.complete or exploration.verdict != "ok":
            skipped += 1
            ET.SubElement(case, "skipped", {"message": _xml(explored.status(exploration))})
    untested = [(words_, "") for words_ in warnings(run)] + [(item.what, item.why) for item in run.not_tested]
    for what, why in untested:
        skipped += 1
        case = _case(suite, "not tested", masker.text(what), 0.0)
        ET.SubElement(case, "skipped", {"message": _xml(masker.text(why or what))})
    if not len(suite):
        _case(suite, "scan", f"{run.review.files} files, nothing found", run.coverage.seconds)
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(failed))
    suite.set("errors", "0")
    suite.set("skipped", str(skipped))
    suite.set("time", f"{run.coverage.seconds:.3f}")
    root = ET.Element("testsuites", {"name": _xml(run.tool.name)})
    root.append(suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(suite: ET.Element, group: str, name: str, seconds: float) -> ET.Element:
    attributes = {"classname": _xml(group), "name": _xml(name), "time": f"{seconds:.3f}"}
    return ET.SubElement(suite, "testcase", attributes)


def _failure(suite: ET.Element, finding: Finding, names: Names, masker: Masker) -> None:
    span = finding.location
    title = findings.title(finding)
    case = _case(
        suite, finding.rule, f"{title} ({names.colliding(finding)})" if finding.handlers else title, 0.0
    )
    if span.file:
        case.set("file", _xml(span.file))
        case.set("line", str(span.start_line))
    kind = f"{finding.code} {finding.severity.value} {findings.proof_words(finding)}"
    failure = ET.SubElement(case, "failure", {"message": _xml(title), "type": _xml(kind)})
    lines = [str(span) if span.file else "", masker.text(finding.message), ""]
    lines += [
        words(step) + (f"  ({step.span})" if step.span else "") for step in steps(finding, names, masker)
    ]
    lines += ["", *(f"fix: {fix.title}" for fix in finding.fixes)]
    if finding.evidence is not None and finding.evidence.schedule_id:
        lines.append(f"deadheat replay {finding.evidence.schedule_id}")
    lines.append(f"deadheat explain {finding.code}")
    failure.text = _xml("\n".join(lines))


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
