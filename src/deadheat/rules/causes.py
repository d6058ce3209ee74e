"""One finding per root cause.

Owns the judgement of which findings are one: what one change of the code would mend. It must not know
rules or programs. Four things make two findings of one rule one:

- the same two places, whoever reaches them and whichever of several states they touch;
- the same two places inside helpers that many handlers call one after the other; a check inside a helper
  that another lock's state is then changed on is one, whatever is changed;
- one stale look-up with several acts behind it: whoever closes the window closes it for all;
- several look-ups of one state before one act: the act is what must not rely on them.

And two database rules that say something of the same two statements: the surer, worse one speaks.
"""

from collections.abc import Callable, Hashable, Iterable
from hashlib import sha256

from msgspec.structs import replace

from deadheat.model import Finding, Span


def merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings, worst and surest first, those of one cause as one with the handlers of all.

    Twins in one function that nothing else tells apart get a number in their fingerprint.
    """
    listed = list(findings)
    for identity in (_places, _helpers, _look_up, _act, _statements):
        listed = _grouped(listed, identity)
    count: dict[str, int] = {}
    result: list[Finding] = []
    for finding in sorted(listed, key=_order):
        number = count[finding.fingerprint] = count.get(finding.fingerprint, 0) + 1
        if number > 1:
            again = sha256(f"{finding.fingerprint}\x1f{number}".encode()).hexdigest()
            finding = replace(finding, fingerprint=again)
        result.append(finding)
    return tuple(result)


def _grouped(findings: list[Finding], identity: Callable[[Finding], Hashable]) -> list[Finding]:
    found: dict[Hashable, Finding] = {}
    for finding in findings:
        key = identity(finding)
        known = found.get(key)
        found[key] = finding if known is None else _one(known, finding)
    return list(found.values())


def _one(first: Finding, second: Finding) -> Finding:
    """The surer of two, else the earlier."""
    better = min(
        first, second, key=lambda one: (one.confidence.rank, one.location, _check(one), one.severity.rank)
    )
    return replace(better, handlers=tuple(dict.fromkeys(better.handlers + first.handlers + second.handlers)))


def _check(finding: Finding) -> tuple[str, int, int]:
    span = finding.window.check.span if finding.window is not None else finding.location
    return span.file, span.start_line, span.start_column


def _places(finding: Finding) -> Hashable:
    return finding.rule, finding.location, _check(finding)


def _helpers(finding: Finding) -> Hashable:
    """One pair of helpers, called from many places: what is to be mended is in them, or in all alike.

    Not where whole rows or values are loaded and saved: what each caller changes in between is its own.
    """
    window = finding.window
    if window is None or window.check.inside is None:
        return _places(finding)
    if finding.state.id.startswith("database:") and "." not in finding.state.path:
        return _places(finding)
    if window.check.state != window.act.state:
        return finding.rule, finding.state.id, window.check.inside
    if window.act.inside is None:
        return _places(finding)
    return finding.rule, finding.state.path, window.check.inside, window.act.inside


def _look_up(finding: Finding) -> Hashable:
    if finding.window is None or finding.window.check.span.file != finding.location.file:
        return _places(finding)
    return finding.rule, finding.state.id, _check(finding)


def _act(finding: Finding) -> Hashable:
    if finding.window is None or finding.window.check.span.file != finding.location.file:
        return _places(finding)
    return finding.rule, finding.state.id, finding.location


def _statements(finding: Finding) -> Hashable:
    """Two statements are one mistake, whichever of the database rules names it best."""
    return (
        finding.code[:3] if finding.code.startswith("DH4") else finding.rule,
        finding.location,
        _check(finding),
    )


def _order(finding: Finding) -> tuple[int, int, Span, str]:
    return finding.severity.rank, finding.confidence.rank, finding.location, finding.code
