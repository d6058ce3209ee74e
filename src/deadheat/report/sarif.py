"""A run as SARIF 2.1.0, shaped for GitHub code scanning and valid for everybody.

Owns that mapping and its limits: only `locations[0]` and `primaryLocationLineHash` are looked at there, so
the first is the act and the second our fingerprint; related places are linked only where the message
embeds them; the interleaving is a code flow with a thread per request and `executionOrder` across them.
What somebody accepts is left out, because suppressions are ignored there. (OASIS SARIF 2.1.0; GitHub docs,
"SARIF support for code scanning", with its limits.)
"""

import msgspec

from deadheat.model import Confidence, Finding, RuleInfo, Run, Safety, Severity, Span
from deadheat.report import finding as findings
from deadheat.report.names import Names, letter
from deadheat.report.order import order
from deadheat.report.secrets import Masker
from deadheat.report.text import safe
from deadheat.report.untested import warnings
from deadheat.report.witness import Step, steps, words

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_MOST_RESULTS = 5_000
_MOST_FLOW = 1_000
_MOST_TAGS = 10
_ROOT = "%SRCROOT%"
_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
_SCORES = {
    Severity.CRITICAL: "9.3",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "3.0",
    Severity.INFO: "0.1",
}
_PROBLEMS = {"error": "error", "warning": "warning", "note": "recommendation"}

Json = dict[str, object]


def render(run: Run) -> str:
    """The log, indented."""
    return msgspec.json.format(msgspec.json.encode(log(run)), indent=2).decode() + "\n"


def log(run: Run) -> Json:
    """The log as plain values."""
    names, masker = Names(run), Masker()
    rules = _rules(run)
    index = {rule.code: number for number, rule in enumerate(rules)}
    shown = order(run.findings)[:_MOST_RESULTS]
    results = [_result(each, names, masker, index, run.root) for each in shown]
    left_out = len(run.findings) - len(results)
    driver: Json = {
        "name": run.tool.name,
        "semanticVersion": run.tool.version,
        "rules": [_rule(rule) for rule in rules],
    }
    notes = [*warnings(run), *run.notes, *(f"not tested: {item.what}: {item.why}" for item in run.not_tested)]
    notes += [f"{left_out} more findings are left out"] if left_out else []
    invocation: Json = {
        "executionSuccessful": not run.interrupted,
        "toolExecutionNotifications": [
            {"level": "warning", "message": {"text": _plain(masker.text(note))}} for note in notes
        ],
    }
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "automationDetails": {"id": f"{run.tool.name}/"},
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {_ROOT: {"description": {"text": "the root of the repository"}}},
                "invocations": [invocation],
                "results": results,
            }
        ],
    }


def _rules(run: Run) -> list[RuleInfo]:
    """The rules that were applied, and, where the run does not say, those that its findings name."""
    known = {rule.code: rule for rule in run.rules}
    for each in run.findings:
        known.setdefault(
            each.code,
            RuleInfo(
                each.code, each.rule, each.title, each.rule, each.rule, each.severity, each.confidence,
                each.cwe, each.impact, each.fixes,
            ),
        )  # fmt: skip
    return sorted(known.values(), key=lambda rule: rule.code)


def _rule(rule: RuleInfo) -> Json:
    level = _LEVELS[rule.severity]
    tags = ["security", "concurrency", *(f"external/cwe/cwe-{number:03}" for number in rule.cwe)]
    tags += [impact.value for impact in rule.impact]
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.explanation},
        "help": {"text": _help(rule), "markdown": rule.page or _help(rule)},
        "defaultConfiguration": {"level": level},
        "properties": {
            "tags": tags[:_MOST_TAGS],
            "precision": _precision(rule.confidence),
            "problem.severity": _PROBLEMS[level],
            "security-severity": _SCORES[rule.severity],
        },
    }


def _help(rule: RuleInfo) -> str:
    lines = [rule.explanation, ""]
    for fix in rule.fixes:
        review = "" if fix.safety is Safety.SAFE else " (to be reviewed by a person)"
        lines.append(f"Mend{review}: {fix.title}" + (f": {fix.argument}" if fix.argument else ""))
    return "\n".join([*lines, "", f"deadheat explain {rule.code}"])


def _precision(confidence: Confidence) -> str:
    return "high" if confidence is Confidence.HIGH else confidence.value


def _result(finding: Finding, names: Names, masker: Masker, index: dict[str, int], root: str) -> Json:
    related = [(span, label) for span, label in finding.related if span.file and span != finding.location]
    message = _plain(f"{findings.title(finding)}: {masker.text(finding.message)}")
    # A bracket would begin a link; only ours may.
    message = message.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    for number, (span, label) in enumerate(related):
        message += f" [{_plain(label)}]({number + 1}) (line {span.start_line})."
    told = steps(finding, names, masker)[:_MOST_FLOW]
    properties: Json = {
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "proof": finding.proof.value,
        "state": finding.state.path,
        "handlers": [names.endpoint(handler) for handler in finding.handlers],
        "impact": [impact.value for impact in finding.impact],
        "cwe": list(finding.cwe),
        "fingerprint": finding.fingerprint,
    }
    if finding.evidence is not None:
        properties["schedule"] = finding.evidence.schedule_id
        properties["trials"] = findings.proof_words(finding)
    result: Json = {
        "ruleId": finding.code,
        "ruleIndex": index[finding.code],
        "level": _LEVELS[finding.severity],
        "message": {"text": message},
        "partialFingerprints": {
            "primaryLocationLineHash": f"{finding.fingerprint[:16]}:1",
            "deadheat/v1": finding.fingerprint,
        },
        "properties": properties,
    }
    if finding.location.file:
        result["locations"] = [_location(finding.location, root)]
    if related:
        result["relatedLocations"] = [
            {"id": number + 1, **_location(span, root), "message": {"text": _plain(label)}}
            for number, (span, label) in enumerate(related)
        ]
    if finding.location.file:
        result["codeFlows"] = [_flow(told, finding, root)]
    return result


def _flow(told: tuple[Step, ...], finding: Finding, root: str) -> Json:
    """A thread per request; the order across threads is `executionOrder`."""
    ordered = [(number + 1, step) for number, step in enumerate(told)]
    threads: list[Json] = []
    for actor in dict.fromkeys(step.actor for _, step in ordered):
        places: list[Json] = [
            {
                "location": {
                    # A step without a place of its own is shown at the finding's: there, none may lack one.
                    **_location(
                        step.span if step.span is not None and step.span.file else finding.location, root
                    ),
                    "message": {"text": _plain(words(step))},
                },
                "executionOrder": number,
                "nestingLevel": 0,
            }
            for number, step in ordered
            if step.actor == actor
        ]
        threads.append({"id": f"request {letter(actor)}", "locations": places})
    return {"message": {"text": _plain(findings.title(finding))}, "threadFlows": threads}


def _location(span: Span, root: str) -> Json:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(root + span.file), "uriBaseId": _ROOT},
            "region": {
                "startLine": span.start_line,
                "startColumn": span.start_column,
                "endLine": span.end_line,
                "endColumn": span.end_column,
            },
        }
    }


def _uri(path: str) -> str:
    """A relative URI reference: what is no path character is escaped (RFC 3986, section 3.3)."""
    keep = "-._~/!$&'()*+,;=@"
    return "".join(
        char if char.isascii() and (char.isalnum() or char in keep) else "".join(
            f"%{byte:02X}" for byte in char.encode("utf-8", "replace")
        )
        for char in path
    )  # fmt: skip


def _plain(text: str) -> str:
    return safe(text)
