"""A run as workflow commands: annotations on the lines of a pull request.

Owns their syntax and escaping (GitHub Docs, "Workflow commands") and the limit of ten annotations of each
level that a step shows: the worst come first, and what does not fit is said in one more line.
"""

from deadheat.model import Finding, Run, Severity
from deadheat.report import finding as findings
from deadheat.report.names import Names, number
from deadheat.report.order import order
from deadheat.report.secrets import Masker
from deadheat.report.text import safe
from deadheat.report.untested import warnings

_MOST = 10
_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
    Severity.INFO: "notice",
}


def render(run: Run) -> str:
    """One line an annotation, the worst first; then what is not shown."""
    names, masker = Names(run), Masker()
    room = dict.fromkeys(("error", "warning", "notice"), _MOST)
    lines: list[str] = []
    hidden = 0
    # What could make a pass meaningless comes first, and takes its place among the warnings.
    told = [*warnings(run), *run.notes, *(f"not tested: {item.what}: {item.why}" for item in run.not_tested)]
    if told:
        room["warning"] -= 1
        lines.append(f"::warning title=deadheat::{_data(masker.text('; '.join(told)))}")
    for each in order(run.findings):
        level = _LEVELS[each.severity]
        if not room[level]:
            hidden += 1
            continue
        room[level] -= 1
        lines.append(_annotation(each, level, names, masker, run.root))
    if hidden:
        lines.append(f"{number(hidden, 'more finding')} not shown: a step shows {_MOST} of each level")
    return "\n".join(lines) + ("\n" if lines else "")


def _annotation(finding: Finding, level: str, names: Names, masker: Masker, root: str) -> str:
    span = finding.location
    where: list[tuple[str, str]] = []
    if span.file:
        where = [("file", root + span.file), ("line", str(span.start_line)), ("endLine", str(span.end_line))]
        if span.start_line == span.end_line:  # columns mean something on one line only
            where += [("col", str(span.start_column)), ("endColumn", str(span.end_column))]
    where.append(("title", f"{finding.code} {findings.title(finding)} ({findings.proof_words(finding)})"))
    said = masker.text(finding.message)
    if finding.handlers:
        said += f" Colliding: {names.colliding(finding)}."
    if finding.evidence is not None and finding.evidence.schedule_id:
        said += f" Replay: deadheat replay {finding.evidence.schedule_id}."
    properties = ",".join(f"{name}={_property(value)}" for name, value in where)
    return f"::{level} {properties}::{_data(said)}"


def _data(text: str) -> str:
    return safe(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
