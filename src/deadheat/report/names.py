"""What people call the things in a run: letters for requests, endpoints for handlers, short state names.

Owns the translation from ids to words, once per run. It must not know how anything is drawn.
"""

from collections import Counter
from collections.abc import Iterable

from deadheat.model import Finding, Run, SharedState


def letter(actor: int) -> str:
    """A, B, C… for the requests of a scenario, `#27` past the alphabet."""
    return chr(ord("A") + actor) if 0 <= actor < 26 else f"#{actor}"


def letters(actors: Iterable[int]) -> str:
    """`A`, `A and B`, `A, B and C`."""
    named = [letter(actor) for actor in actors]
    if len(named) < 2:
        return "".join(named)
    return f"{', '.join(named[:-1])} and {named[-1]}"


def short(path: str) -> str:
    """The last part of a state's path: `count` of `ActiveUsers.count`."""
    return path.replace("::", ".").rsplit(".", 1)[-1] or path


def number(count: int, noun: str, plural: str = "") -> str:
    """`1 probe`, `2 probes`."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


class Names:
    """The words for one run."""

    def __init__(self, run: Run) -> None:
        self._endpoints = {handler.id: handler.endpoint for handler in run.review.handlers}
        self._states: dict[str, SharedState] = {}
        for state in (*(finding.state for finding in run.findings), *run.review.states):
            self._states[state.id] = state
            self._states.setdefault(state.path, state)

    def endpoint(self, handler: str) -> str:
        """`POST /redeem/<code>` where the handler is known, else its id."""
        return self._endpoints.get(handler, handler)

    def state(self, name: str) -> SharedState | None:
        """The state of this id or path, if the review knows it."""
        return self._states.get(name)

    def path(self, name: str) -> str:
        """What a person calls the state of this id or path."""
        state = self._states.get(name)
        return state.path if state else name

    def racing(
        self, handlers: tuple[str, ...], requests: int = 0, times: str = "×", beside: str = "∥"
    ) -> str:
        """`2 × GET /increment`, or `GET /a ∥ GET /b`."""
        counts = Counter(self.endpoint(handler) for handler in handlers)
        if len(counts) == 1 and requests > 1:
            counts = Counter({next(iter(counts)): requests})
        parts = [name if count == 1 else f"{count} {times} {name}" for name, count in counts.items()]
        return f" {beside} ".join(parts) or (number(requests, "request") if requests else "")

    def colliding(self, finding: Finding, beside: str = "∥") -> str:
        """The endpoints that take part in a finding."""
        return self.racing(finding.handlers, beside=beside)
