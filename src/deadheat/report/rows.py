"""From a history to the rows of its table: what each says, and which twelve are kept.

Owns the words of an event and the choice of what to leave out. It must not know widths or colours.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct, structs

from deadheat.model import (
    AccessKind,
    Event,
    EventKind,
    Evidence,
    Finding,
    History,
    Operation,
    StateKind,
)
from deadheat.report.deadlock import stuck
from deadheat.report.divergence import Divergence, first_divergent_read, wrote
from deadheat.report.names import Names, number, short
from deadheat.report.secrets import Masker
from deadheat.report.values import changes, distil

MOST_ROWS = 12
_MOST_SAID = 32
"""Characters up to which a value is named in a sentence."""
_VERBS = {
    AccessKind.READ: "reads",
    AccessKind.WRITE: "writes",
    AccessKind.RMW: "reads and writes",
    AccessKind.ACQUIRE: "locks",
    AccessKind.RELEASE: "unlocks",
    AccessKind.BEGIN: "begins",
    AccessKind.COMMIT: "commits",
}
_LOCKS = (StateKind.MUTEX, StateKind.RWLOCK)


class Row(Struct, frozen=True):
    """One event, or (actor None) something said of several requests at once.

    `others` says what the other requests do meanwhile: a missing one has not begun or has finished.
    `step` says that it touches state; `brief` is a shorter `text`; `change` (before, after) where the step
    changed the value as a whole; `value` the raced state's value to show beside it, empty when it did not
    change.
    """

    actor: int | None
    text: str
    time: str = ""
    line: str = ""
    brief: str = ""
    change: tuple[str, str] | None = None
    value: str = ""
    bad: bool = False
    weight: int = 0
    step: bool = False
    others: Mapping[int, str] = {}


class Story(Struct, frozen=True):
    """All rows of an execution, and what heads the table."""

    rows: tuple[Row, ...]
    state: str
    steps: bool
    who: Mapping[int, str]
    divergence: Divergence | None


def story(finding: Finding, evidence: Evidence, names: Names, masker: Masker) -> Story:
    """The execution of the evidence, row by row."""
    history = evidence.history
    events = _complete(history)
    path = finding.state.path
    raced = _raced(events, path, names)
    act = finding.window.act if finding.window else None
    # A lock taken to read again is an exclusive acquisition too: only an act that writes counts as a write.
    writing = act.span if act and act.kind in (AccessKind.WRITE, AccessKind.RMW) else None
    deadlock = evidence.verdict.deadlock
    divergence = None if deadlock else first_divergent_read(events, raced, writing)
    # Times that are all alike or that merely count say nothing: then the steps are numbered.
    steps = len({event.t for event in events}) < 2 or all(event.t == event.seq for event in events)
    teller = _Teller(events, history, names, masker, deadlock=deadlock)
    closing = max((e.seq for e in events if e.kind is EventKind.BLOCKED), default=None) if deadlock else None
    out: list[Row] = []
    shown: str | None = None
    for index, event in enumerate(events):
        ours = event.state is not None and raced(event.state) and event.kind is EventKind.STEP
        value = event.after if ours else None
        first = None
        if shown is None:
            first = next(
                (e.before for e in events if e.state and raced(e.state) and e.before is not None), None
            )
            value = value if value is not None else first
        row = teller.row(event)
        bad = event.seq == (divergence.seq if divergence else closing)
        changed = value is not None and value != shown
        shown = value if value is not None else shown
        out.append(
            structs.replace(
                row,
                time=str(index + 1) if steps else f"{event.t:.2f}",
                value=teller.value(event.state or path, value) if changed and value is not None else "",
                bad=bad,
                step=event.kind in (EventKind.STEP, EventKind.BLOCKED),
                weight=_weight(event, bad=bad, ours=ours),
                others=_meanwhile(events, index),
            )
        )
    never = [actor for actor in stuck(history) if deadlock]
    if never:
        others = dict.fromkeys(never, "never answers")
        out.append(Row(None, "never answers", others=others, bad=True, weight=90))
    elif out:
        lost = [op.actor for op in history.operations if op.returned is None]
        if lost:
            out.append(Row(None, "no answer seen", others=dict.fromkeys(lost, "no answer seen"), weight=90))
    who = {
        actor: masker.text(racer.request.principal) if racer.request.principal else ""
        for actor, racer in enumerate(evidence.scenario.racers)
    }
    return Story(tuple(out), short(path), steps, who, divergence and teller.divergence(divergence, path))


def rows(tale: Story) -> tuple[Row, ...]:
    """At most twelve events, the ones that matter; what is left out is counted in its place."""
    events = [index for index, row in enumerate(tale.rows) if row.actor is not None]
    if len(events) <= MOST_ROWS:
        return tale.rows
    best = sorted(events, key=lambda index: (-tale.rows[index].weight, index))
    keep = set(best[:MOST_ROWS])
    out: list[Row] = []
    missing: list[Row] = []
    for index, row in enumerate(tale.rows):
        if row.actor is not None and index not in keep:
            missing.append(row)
            continue
        if missing:
            out.append(_collapsed(missing))
            missing = []
        out.append(row)
    if missing:
        out.append(_collapsed(missing))
    return tuple(out)


def _collapsed(missing: Sequence[Row]) -> Row:
    counts: dict[int, int] = {}
    for row in missing:
        if row.actor is not None:
            counts[row.actor] = counts.get(row.actor, 0) + 1
    others = {actor: f"({number(count, 'more step')})" for actor, count in counts.items()}
    value = next((row.value for row in reversed(missing) if row.value), "")
    return Row(None, f"{number(len(missing), 'more step')}", others=others, value=value)


def _weight(event: Event, *, bad: bool, ours: bool) -> int:
    if bad:
        return 100
    if event.kind in (EventKind.BLOCKED, EventKind.CRASH):
        return 80
    if event.kind is EventKind.ANSWER:
        return 60
    if ours:
        return 70 if event.before != event.after else 50
    return 40 if event.kind is EventKind.SEND else 10


def _complete(history: History) -> tuple[Event, ...]:
    """The events, with the sending and answering that the operations tell of and no event does."""
    events = list(history.events)
    has = {(event.actor, event.kind) for event in events}
    for operation in history.operations:
        if (operation.actor, EventKind.SEND) not in has:
            at = operation.call
            events.append(Event(at, _time(history, at), operation.actor, EventKind.SEND))
        if operation.returned is not None and (operation.actor, EventKind.ANSWER) not in has:
            at = operation.returned
            events.append(Event(at, _time(history, at), operation.actor, EventKind.ANSWER))
    return tuple(sorted(events, key=lambda event: event.seq))


def _time(history: History, seq: int) -> float:
    later = [event.t for event in history.events if event.seq >= seq]
    return min(later) if later else max((event.t for event in history.events), default=0.0)


class _Raced:
    """Whether an event's state is the raced one; if none of them is, all of them are."""

    def __init__(self, events: Sequence[Event], path: str, names: Names) -> None:
        self._names = names
        self._path = path
        self._any = not any(e.state and names.path(e.state) == path for e in events)

    def __call__(self, state: str) -> bool:
        return self._any or self._names.path(state) == self._path


def _raced(events: Sequence[Event], path: str, names: Names) -> _Raced:
    return _Raced(events, path, names)


def _meanwhile(events: Sequence[Event], index: int) -> dict[int, str]:
    """What the requests in flight do while `events[index]` happens: wait, or are held mid-way."""
    acting = events[index].actor
    before, after = events[:index], events[index + 1 :]
    out: dict[int, str] = {}
    for actor in {event.actor for event in before} - {acting}:
        ended = any(e.actor == actor and e.kind in (EventKind.ANSWER, EventKind.CRASH) for e in before)
        if ended:
            continue
        mine = [e for e in before if e.actor == actor]
        stepped = any(e.kind is EventKind.STEP for e in mine)
        goes_on = any(e.actor == actor and e.kind is EventKind.STEP for e in after)
        blocked = mine[-1].kind is EventKind.BLOCKED
        # Said once, where it starts: "┆ held"; the line alone after that.
        fresh = events[index - 1].actor == actor
        out[actor] = "held" if fresh and stepped and goes_on and not blocked else ""
    return out


class _Teller:
    """Words for one event."""

    def __init__(
        self, events: Sequence[Event], history: History, names: Names, masker: Masker, *, deadlock: bool
    ) -> None:
        self._names = names
        self._masker = masker
        self._deadlock = deadlock
        self._operations: dict[int, Operation] = {op.actor: op for op in history.operations}
        self._files = {e.span.file for e in events if e.span}
        paths = {names.path(e.state) for e in events if e.state}
        # `count` is enough unless two states are called so.
        self._short = len({short(path) for path in paths}) == len(paths)
        self._values: dict[str, dict[str, str]] = {}
        for path in paths:
            seen = [e.before for e in events if e.state and names.path(e.state) == path]
            seen += [e.after for e in events if e.state and names.path(e.state) == path]
            self._values[path] = distil(self._masked(path, value) for value in seen if value is not None)

    def value(self, state: str, value: str) -> str:
        """A value of a state as it is shown: secrets masked, reduced to what tells it from the others."""
        path = self._names.path(state)
        masked = self._masked(path, value)
        return self._values.get(path, {}).get(masked, masked)

    def divergence(self, found: Divergence, path: str) -> Divergence:
        """The same with its values as they are shown; those too long for a sentence left out."""
        values = {
            name: self.value(path, value) if value is not None else None
            for name, value in (("seen", found.seen), ("left", found.left), ("other", found.other))
        }
        values = {
            name: value if value and len(value) <= _MOST_SAID else None for name, value in values.items()
        }
        return structs.replace(found, **values)

    def _masked(self, path: str, value: str) -> str:
        return self._masker.named(short(path), value)

    def row(self, event: Event) -> Row:
        """What the event says, without its time and surroundings."""
        if event.kind is EventKind.STEP:
            return self._step(event)
        return Row(event.actor, self._plain(event), line=self._line(event))

    def _plain(self, event: Event) -> str:
        operation = self._operations.get(event.actor)
        if event.kind is EventKind.SEND:
            if operation is None:
                return self._masker.text(event.text) or "sends its request"
            return f"{operation.input.method} {self._masker.target(operation.input.target)}"
        if event.kind is EventKind.ANSWER:
            if operation is None or operation.output is None:
                return self._masker.text(event.text) or "answers"
            body = self._masker.text(operation.output.text).strip()
            return f"{operation.output.status} {body}".strip()
        if event.kind is EventKind.BLOCKED:
            return f"waits for {self._name(event)}" if event.state else "waits"
        return self._masker.text(event.text) or "crashes"

    def _step(self, event: Event) -> Row:
        name, line = self._name(event), self._line(event)
        if self._deadlock and self._is_lock(event):
            verb = "locks" if event.access is not AccessKind.READ else "locks (shared)"
            return Row(event.actor, f"{verb} {name}", line=line)
        state = event.state or ""
        if event.before is not None and event.after is not None and event.before != event.after:
            before, after = (self._masked(self._names.path(state), v) for v in (event.before, event.after))
            parts = changes(before, after)
            brief = ", ".join(f"{label}{': ' if label else ''}{old} → {new}" for label, old, new in parts)
            text = brief if parts[0][0] else f"{name}: {brief}"
            whole = (before, after) if len(parts) == 1 and not parts[0][0] else None
            return Row(event.actor, text, line=line, brief=brief, change=whole)
        seen = event.after if event.after is not None else event.before
        if seen is not None:
            value = self.value(state, seen)
            if event.role == "act" and wrote(event):
                text = f"writes {name}: {value}, as it was"
                return Row(event.actor, text, line=line, brief=f"writes {value}")
            return Row(event.actor, f"reads {name}: {value}", line=line, brief=f"reads {value}")
        known = self._names.state(state)
        verb = _VERBS[event.access] if event.access else "touches"
        if known is not None and known.kind is StateKind.CHANNEL:
            verb = "sends to"
        return Row(event.actor, f"{verb} {name}", line=line)

    def _is_lock(self, event: Event) -> bool:
        if event.access is AccessKind.ACQUIRE:
            return True
        state = self._names.state(event.state) if event.state else None
        return state is not None and state.kind in _LOCKS

    def _name(self, event: Event) -> str:
        if not event.state:
            return "shared state"
        path = self._names.path(event.state)
        return short(path) if self._short else path

    def _line(self, event: Event) -> str:
        if event.span is None:
            return ""
        if len(self._files) > 1:
            return f"{event.span.file.rsplit('/', 1)[-1]}:{event.span.start_line}"
        return str(event.span.start_line)
