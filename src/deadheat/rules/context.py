"""What rules share while one program is checked.

Owns the making of findings from accesses: handlers that collide, fingerprint, related places,
one finding per root cause however many handlers reach it. It must not know any single rule.
"""

from collections.abc import Iterable
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

from msgspec.structs import replace

from deadheat.model import Access, Confidence, Finding, Span, Window
from deadheat.rules.gaps import Gap, Shape, gaps
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
        """The gaps of one shape."""
        return [gap for gap in self._gaps if gap.shape is shape]

    def who(self, root: Root) -> str:
        """What to call a root in a sentence: its endpoint, or the function."""
        if root.handler is None:
            return f"`{root.function.name}`"
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

    def window(self, root: Root, check: Event, act: Event) -> Window:
        """From one event to the other."""
        awaits = len(root.flow.between(check, act, Kind.AWAIT))
        return Window(self.program.access(root, check), self.program.access(root, act), awaits)

    def related(self, window: Window, first: str, via: str) -> tuple[tuple[Span, str], ...]:
        """The places that explain a window: where it opens, and the calls that lead inside."""
        places: list[tuple[Span, str]] = [(window.check.span, first)]
        places += [(call, via) for call in dict.fromkeys(window.act.via + window.check.via)]
        return tuple(places[:_RELATED])

    def confidence(
        self, rule: "Rule", root: Root, state: Place, *, proven: bool, benign: bool = False
    ) -> Confidence:
        """The rule's confidence, lowered where the flow, the handler or the state is not certain."""
        rank = rule.confidence.rank
        if not proven:
            rank = max(rank, Confidence.MEDIUM.rank)
        if root.handler is None:
            rank += 1
        if state.root.startswith("T:"):
            rank += 1  # some value of a type: whether requests share it is not known
        if benign:
            rank = Confidence.LOW.rank
        return list(Confidence)[min(rank, Confidence.LOW.rank)]

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


def _any_key(part: tuple[str, ...]) -> tuple[str, ...]:
    return tuple("[*]" if step.startswith("[") else step for step in part)


def _parts(gap: Gap) -> tuple[str, ...]:
    place = gap.act.place
    return place.part if place is not None else ()


def fingerprint(rule: str, function: str, path: str, shape: str) -> str:
    """The identity of a finding across edits: never a line."""
    return sha256("\x1f".join((rule, function, path, shape)).encode()).hexdigest()


def merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """One finding per root cause: the same two places reached from several handlers are one.

    Twins in one function that nothing else tells apart get a number in their fingerprint.
    """
    by_place: dict[tuple[str, str, Span, Span | None], Finding] = {}
    for finding in findings:
        check = finding.window.check.span if finding.window is not None else None
        key = (finding.rule, finding.state.id, finding.location, check)
        known = by_place.get(key)
        if known is None:
            by_place[key] = finding
            continue
        better = min(known, finding, key=lambda one: one.confidence.rank)
        by_place[key] = replace(better, handlers=tuple(dict.fromkeys(known.handlers + finding.handlers)))
    count: dict[str, int] = {}
    result: list[Finding] = []
    for finding in sorted(by_place.values(), key=_order):
        number = count[finding.fingerprint] = count.get(finding.fingerprint, 0) + 1
        if number > 1:
            again = sha256(f"{finding.fingerprint}\x1f{number}".encode()).hexdigest()
            finding = replace(finding, fingerprint=again)
        result.append(finding)
    return tuple(result)


def _order(finding: Finding) -> tuple[int, int, Span, str]:
    return finding.severity.rank, finding.confidence.rank, finding.location, finding.code


def describe(access: Access) -> str:
    """An access in a sentence: `coupon.used =` (line 76)."""
    return f"`{access.operation}` (line {access.span.start_line})"
