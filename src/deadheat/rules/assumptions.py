"""What developers state about a state, and whether the code agrees.

Owns the comment `// deadheat: assume(KIND) reason="…"` beside (or above) the declaration of a
field or a static, and the check of each kind against all accesses of the program:

=========================  ==================================================================
`single-writer`            at most one thing that does not run beside itself changes the state
`read-only`                nothing that serves requests changes it
`guarded-by(NAME)`         wherever requests use it, the lock called NAME is held
=========================  ==================================================================

An assumption that holds takes away what it explains (`explains`); one that does not is reported.
It must not know rules.
"""

import re
from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct

from deadheat.model import SharedState, Span
from deadheat.rust import Event, Kind, Place, Program, Root
from deadheat.rust.ir import ACCESSES
from deadheat.rust.syntax import SourceFile

_COMMENT = re.compile(rb"//+\s*deadheat:\s*assume\(\s*([A-Za-z-]+)\s*(?:\(\s*([\w.]+)\s*\))?\s*\)([^\n]*)")
_REASON = re.compile(r'reason\s*=\s*"([^"]+)"')
_WRITES = frozenset({Kind.WRITE, Kind.RMW})


# The rules whose story needs a second writer, or a moment without the lock.
EXPLAINED = frozenset(
    {"check-then-act", "lock-gap-read-modify-write", "response-re-read", "atomic-load-then-store",
     "torn-update", "check-under-another-lock", "once-get-then-set", "cache-stampede", "relaxed-publication",
     "static-mut"}
)  # fmt: skip


class Assumed(StrEnum):
    """What can be assumed."""

    SINGLE_WRITER = "single-writer"
    READ_ONLY = "read-only"
    GUARDED_BY = "guarded-by"


class Assumption(Struct, frozen=True):
    """One stated assumption. `holds` is None when there is nothing to check it against."""

    kind: str
    span: Span
    reason: str
    state: SharedState | None
    holds: bool | None
    why: str
    against: tuple[tuple[Root, Event], ...] = ()


def assumptions(program: Program) -> list[Assumption]:
    """Every assumption stated in the program's files, checked."""
    stated = list(_stated(program))
    if not stated:
        return []
    places = _declared(program)
    found: list[Assumption] = []
    for file, kind, name, reason, span in stated:
        place = next(
            (
                place for line in (span.start_line, *_below(file, span.start_line))
                if (place := places.get((file.path, line))) is not None
            ),
            None,
        )  # fmt: skip
        found.append(_checked(program, kind, name, reason, span, place))
    return found


def _stated(program: Program) -> Iterator[tuple[SourceFile, str, str, str, Span]]:
    for file in program.modules.files.values():
        if b"deadheat:" not in file.text:
            continue
        for match in _COMMENT.finditer(file.text):
            reason = _REASON.search(match[3].decode("utf-8", "replace"))
            yield (
                file, match[1].decode(), (match[2] or b"").decode(), reason[1] if reason else "",
                file.span(match.start(), match.end()),
            )  # fmt: skip


def _below(file: SourceFile, line: int) -> Iterator[int]:
    """The lines a comment on a line of its own speaks about: past comments and attributes."""
    lines = file.text.split(b"\n")
    if not lines[line - 1].lstrip().startswith(b"//"):
        return
    for number in range(line, min(line + 6, len(lines))):
        text = lines[number].strip()
        if text and not text.startswith((b"//", b"#[")):
            yield number + 1
            return


def _declared(program: Program) -> dict[tuple[str, int], Place]:
    """Shared states by the line that declares them."""
    found: dict[tuple[str, int], Place] = {}
    places = {event.place.state for root in program.roots for event in root.events if event.place is not None}
    places |= set(program.states.declared())
    for place in sorted(places, key=lambda place: (place.root, place.path)):
        span = program.state_of(place).span
        if span is not None:
            found.setdefault((span.file, span.start_line), place)
    return found


def _checked(
    program: Program, kind: str, name: str, reason: str, span: Span, place: Place | None
) -> Assumption:
    if kind not in list(Assumed):
        known = ", ".join(f"`{one}`" for one in Assumed)
        return Assumption(
            kind, span, reason, None, None, f"there is no assumption `{kind}`; there are {known}"
        )
    if place is None:
        return Assumption(kind, span, reason, None, None, "it stands beside no shared field and no static")
    state = program.state_of(place)
    uses = [
        (root, event)
        for root in program.roots
        for event in root.events
        if event.kind in ACCESSES and event.place is not None and event.place.state == place
        and root.flow.is_live(event)
    ]  # fmt: skip
    writes = [(root, event) for root, event in uses if event.kind in _WRITES]
    if kind == Assumed.READ_ONLY:
        against = [one for one in writes if one[0].serves]
        why = f"requests change `{state.path}`"
    elif kind == Assumed.SINGLE_WRITER:
        against = [one for one in writes if one[0].serves and not one[0].task]
        why = f"requests change `{state.path}`, and two requests run beside each other"
        if not against and len({id(root) for root, _ in writes}) > 1:
            against = writes
            why = f"`{state.path}` is changed in more than one place"
    else:
        if not name:
            return Assumption(
                kind, span, reason, state, None, "it does not say which lock: `guarded-by(name)`"
            )
        against = [one for one in uses if one[0].serves and not _holds(program, *one, name)]
        why = f"`{state.path}` is used where `{name}` is not held"
    return Assumption(kind, span, reason, state, not against, why if against else "", tuple(against))


def _holds(program: Program, root: Root, event: Event, name: str) -> bool:
    return any(
        guard.place is not None and f".{program.states.name(guard.place)}".endswith(f".{name}")
        for guard in root.flow.held(event, surely=True)
    )
