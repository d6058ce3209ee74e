"""What rules share while one program is checked.

Owns the making of findings from accesses: handlers that collide, fingerprint, related places,
one finding per root cause however many handlers reach it. It must not know any single rule.
"""

from collections.abc import Iterable
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

from msgspec.structs import replace

from deadheat.model import Access, Confidence, Finding, Span, StateKind, Window
from deadheat.rules.assumptions import EXPLAINED, Assumption, assumptions
from deadheat.rules.gaps import Gap, Shape, gaps
from deadheat.rules.pairs import Split, split_checks
from deadheat.rules.ranking import confidence
from deadheat.rust import Event, Kind, Place, Program, Root
from deadheat.rust.ir import overlap

if TYPE_CHECKING:
    from deadheat.rules.rule import Rule

_RELATED = 4


class Context:
    """One program being checked."""

    def __init__(self, program: Program) -> None:
        """Rules read the program through this."""
        self.program = program

    @cached_property
    def _gaps(self) -> list[Gap]:
        return gaps(self.program)

    def gaps(self, shape: Shape) -> list[Gap]:
        """The gaps of one shape, those between a request guard and its handler left out."""
        return [gap for gap in self._gaps if gap.shape is shape and not _from_guard(gap)]

    def guard_gaps(self) -> list[Gap]:
        """The gaps that open in a request guard and close in the handler."""
        return [gap for gap in self._gaps if gap.shape is not Shape.RE_READ and _from_guard(gap)]

    @cached_property
    def splits(self) -> list[Split]:
        """Writes decided by another state, or by another part of it."""
        return list(split_checks(self.program))

    @cached_property
    def assumptions(self) -> list[Assumption]:
        """What comments state about states, checked."""
        return assumptions(self.program)

    def explained(self, finding: Finding) -> bool:
        """Whether an assumption that holds says why this cannot happen."""
        return finding.rule in EXPLAINED and any(
            one.holds and one.reason and one.state is not None and one.state.id == finding.state.id
            for one in self.assumptions
        )

    def who(self, root: Root) -> str:
        """What to call a root in a sentence: its endpoint, or the function."""
        if root.handler is None:
            return f"the {root.role} `{root.function.name}`" if root.role else f"`{root.function.name}`"
        return f"`{root.handler.endpoint}`" if not root.task else f"a task of `{root.handler.endpoint}`"

    def writers(self, state: Place, part: tuple[str, ...]) -> list[Root]:
        """The roots that change (this part of) the state, whatever key they use."""
        part = _any_key(part)
        found = [root for written, root in self._writes.get(state, ()) if overlap(written, part)]
        return list(dict.fromkeys(found))

    @cached_property
    def _writes(self) -> dict[Place, list[tuple[tuple[str, ...], Root]]]:
        """Which parts of a state each root changes."""
        found: dict[Place, dict[tuple[tuple[str, ...], int], Root]] = {}
        for number, root in enumerate(self.program.roots):
            for event in root.events:
                if event.kind in (Kind.WRITE, Kind.RMW) and event.place is not None:
                    parts = found.setdefault(event.place.state, {})
                    parts.setdefault((_any_key(event.place.part), number), root)
        return {state: [(part, root) for (part, _), root in parts.items()] for state, parts in found.items()}

    def handlers(self, first: Root, others: Iterable[Root]) -> tuple[str, ...]:
        """Handler ids, the one that contains the window first."""
        roots = [first, *others]
        return tuple(dict.fromkeys(root.handler.id for root in roots if root.handler is not None))

    def rival(self, gap: Gap) -> Root:
        """The other request of the story: the same handler if it writes too, else another one."""
        writers = self.writers(gap.state, _parts(gap))
        return gap.root if gap.root in writers or not writers else writers[0]

    def collision(self, gap: Gap) -> tuple[str, ...]:
        """The handlers that collide in a gap."""
        return self.handlers(gap.root, self.writers(gap.state, _parts(gap)))

    def others(self, gap: Gap) -> list[Root]:
        """The roots beside its own that change what a gap is about."""
        return [root for root in self.writers(gap.state, _parts(gap)) if root is not gap.root]

    def window(self, root: Root, check: Event, act: Event) -> Window:
        """From one event to the other.

        The places are those in the function that does both: a look-up helper and a store helper
        are each fine alone, whoever calls one after the other opens the window.
        """
        awaits = len(root.flow.between(check, act, Kind.AWAIT))
        first, second = self.program.access(root, check), self.program.access(root, act)
        shared = shared_calls(check, act)
        return Window(_lifted(first, shared), _lifted(second, shared), awaits)

    def related(self, window: Window, first: str, via: str) -> tuple[tuple[Span, str], ...]:
        """The places that explain a window: where it opens, and the calls that lead there and inside."""
        ends = (window.act, window.check)
        places: dict[Span, str] = {window.check.span: first}
        for access in ends:
            if access.inside is not None:
                places.setdefault(access.inside, f"inside: `{access.operation}`")
        for access in ends:
            for call in access.via:
                places.setdefault(call, via)
        return tuple(places.items())[:_RELATED]

    def confidence(
        self, rule: "Rule", root: Root, state: Place, *, proven: bool, benign: bool = False
    ) -> Confidence:
        """The rule's confidence, lowered where the flow, the handler or the state is not certain."""
        outside = self.program.state_of(state).kind in (StateKind.DOCUMENT, StateKind.ROW, StateKind.FILE)
        if root.once and (not root.task or all(writer.once for writer in self.writers(state, ()))):
            benign = True  # before anything is served, or it would have to race with itself
        exact = not state.root.startswith("T:") or (outside and bool(state.path))
        return confidence(rule.confidence, proven=proven, serves=root.serves, exact=exact, benign=benign)

    def finding(
        self,
        rule: "Rule",
        root: Root,
        state: Place,
        window: Window,
        *,
        handlers: tuple[str, ...],
        message: str,
        confidence: Confidence,
        related: tuple[tuple[Span, str], ...],
        act: Event,
        shape: str,
    ) -> Finding:
        """A suspected finding of a rule."""
        shared = self.program.state_of(state, act.type)
        return Finding(
            rule.name,
            rule.code,
            f"{rule.title} on {shared.path}",
            rule.severity,
            confidence,
            shared,
            handlers,
            window.act.span,
            message,
            fingerprint(rule.name, act.function, shared.path, shape),
            cwe=rule.cwe,
            impact=rule.impact,
            window=window,
            related=related,
            fixes=rule.fixes,
        )


def _lifted(access: Access, depth: int) -> Access:
    """The access as the function `depth` calls down from the root sees it."""
    if depth >= len(access.via):
        return access
    return replace(
        access,
        span=access.via[depth],
        via=(*access.via[:depth], *access.via[depth + 1 :]),
        inside=access.span,
    )


def shared_calls(one: Event, other: Event) -> int:
    """How many calls lead to both events."""
    count = 0
    for first, second in zip(one.via, other.via, strict=False):
        if first != second:
            break
        count += 1
    return count


def _from_guard(gap: Gap) -> bool:
    return gap.check.id < gap.root.entry <= gap.act.id and not gap.root.task


def _any_key(part: tuple[str, ...]) -> tuple[str, ...]:
    return tuple("[*]" if step.startswith("[") else step for step in part)


def _parts(gap: Gap) -> tuple[str, ...]:
    place = gap.act.place
    return place.part if place is not None else ()


def fingerprint(rule: str, function: str, path: str, shape: str) -> str:
    """The identity of a finding across edits: never a line."""
    return sha256("\x1f".join((rule, function, path, shape)).encode()).hexdigest()


def describe(access: Access) -> str:
    """An access in a sentence: `coupon.used =` (line 76)."""
    if access.inside is None:
        return f"`{access.operation}` (line {access.span.start_line})"
    return f"`{access.operation}` (line {access.inside.start_line}, called in line {access.span.start_line})"
