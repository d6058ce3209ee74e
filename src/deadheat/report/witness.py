"""The interleaving of a finding as plain steps, for formats that have no drawing.

Owns the choice between what was seen (the history of the evidence) and, for a suspicion, the shortest
interleaving that its window tells: A checks, B acts, A acts. It must not know any format.
"""

from msgspec import Struct

from deadheat.model import AccessKind, Evidence, Finding, Span
from deadheat.report.names import Names, letter
from deadheat.report.rows import rows, story
from deadheat.report.secrets import Masker

_WRITES = (AccessKind.WRITE, AccessKind.RMW)


class Step(Struct, frozen=True):
    """One step: which request, what it does, where in the source (None where that is not known)."""

    actor: int
    words: str
    span: Span | None


def steps(finding: Finding, names: Names, masker: Masker) -> tuple[Step, ...]:
    """The steps in the order in which they happen; at least one."""
    if finding.evidence is not None:
        seen = _seen(finding, finding.evidence, names, masker)
        if seen:
            return seen
    return _told(finding)


def _seen(finding: Finding, evidence: Evidence, names: Names, masker: Masker) -> tuple[Step, ...]:
    spans = {event.seq: event.span for event in evidence.history.events if event.span is not None}
    by_line = {str(span): span for span in spans.values()}
    found: list[Step] = []
    for row in rows(story(finding, evidence, names, masker)):
        if row.actor is None:
            continue
        span = next((s for s in by_line.values() if row.line and row.line.endswith(str(s.start_line))), None)
        found.append(Step(row.actor, row.text + (" ✗" if row.bad else ""), span))
    return tuple(found)


def _told(finding: Finding) -> tuple[Step, ...]:
    window = finding.window
    if window is None:
        return (Step(0, finding.title, finding.location),)
    check, act = window.check, window.act
    state = finding.state.path
    if check.kind in _WRITES and act.kind is AccessKind.READ:
        mine = (f"changes {state}", f"reads {state} again: the value is no longer its own")
        theirs = f"changes {state} in between"
    elif check.kind is AccessKind.ACQUIRE or act.kind is AccessKind.ACQUIRE:
        mine = (f"holds {check.operation or state}", f"waits for {act.operation or state}")
        theirs = "holds what is waited for, and waits for what is held"
    else:
        mine = (f"looks at {state}", f"acts on what it saw of {state}, which is no longer so")
        theirs = f"gets as far, and changes {state} in between"
    return (
        Step(0, f"{mine[0]}: {check.operation}" if check.operation else mine[0], check.span),
        Step(1, theirs, act.span),
        Step(0, f"{mine[1]}: {act.operation}" if act.operation else mine[1], act.span),
    )


def words(step: Step) -> str:
    """`A: looks at …`."""
    return f"{letter(step.actor)}: {step.words}"
