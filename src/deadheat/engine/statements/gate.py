"""What holding statements needs of a store: the face of a proxy before it.

Owns the face alone; `statements.postgres` and `statements.redis` have it. It must not know SQL,
commands or sockets. A *lane* is what one request has under way on one connection.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol, TypeVar

from deadheat.model import Finding, Point
from deadheat.schedule import Op

UNKNOWN = Op(0)
"""What conflicts with everything."""

TRANSACTION = "transaction"
"""The state of a point that ends or resumes something, and names nothing of its own."""

ANYBODY = -1
"""A blocker: whoever goes next may be the one who is waited for."""


class Watched(Protocol):
    """A socket of somebody else's that is awaited together with the proxy's."""

    def fileno(self) -> int:
        """Give its number."""


class Lane(Protocol):
    """What one request has under way on one connection to the store."""

    @property
    def owner(self) -> int | None:
        """Whose it is."""

    @property
    def holds(self) -> bool:
        """Whether a step waits to be granted."""

    @property
    def busy(self) -> bool:
        """Whether anything is under way: statements, answers, a transaction."""

    @property
    def waiting(self) -> bool:
        """Whether the store has not answered yet what it was given."""

    @property
    def behind(self) -> bool:
        """Whether an answer is there that may not overtake one to another request, still held."""

    @property
    def hindered(self) -> bool:
        """Whether what it holds came after what another request holds, on the same connection."""


L = TypeVar("L", bound=Lane)


class Gate(Protocol[L]):
    """A proxy before one store. While it is shut, each step waits in its lane until it is granted.

    Raises (from every method):
        TargetError: the store cannot be reached, or what is said is not its protocol.
    """

    running: int | None
    """The request that goes on: whatever comes is its."""

    @property
    def lazy(self) -> bool:
        """Whether a request is to be sent only when its first step is granted.

        Where requests share a connection, answers come in the order of the statements: a statement
        sent early would hinder others.
        """

    @property
    def lanes(self) -> Sequence[L]:
        """What is there now."""

    @property
    def opened(self) -> int:
        """How many connections there were, over all."""

    @property
    def news(self) -> int:
        """How many steps there were, over all, that the same order does not have again.

        A statement is prepared once on a connection, which inside a transaction may take its snapshot.
        """

    @property
    def stirred(self) -> int:
        """How often something came, over all."""

    @property
    def unsupported(self) -> str:
        """Why what the application does cannot be explored, empty if it can."""

    @property
    def points(self) -> Mapping[int, Point]:
        """The places that send statements, as met so far, by number."""

    @property
    def bounds(self) -> tuple[str, ...]:
        """What an exploration through it does not show, and why it took longer than it had to."""

    @property
    def noun(self) -> str:
        """What it calls a state: `table`, `key`."""

    @property
    def absent(self) -> str:
        """What to tell a user whose application never came here."""

    def environment(self) -> Mapping[str, str]:
        """Give the variables that lead an application here."""

    def through(self, url: str) -> str:
        """Give another URL of the same store, led here."""

    def reach(self) -> None:
        """See that the store is there, again after it was started again."""

    def started(self) -> None:
        """Look at the store once the application made its tables; see that it is there."""

    def adapted(self) -> bool:
        """Whether it does from now on what the application missed, so that starting that again may help."""

    def pump(self, timeout: float, watched: Sequence[Watched] = ()) -> list[Watched]:
        """Move bytes once, waiting up to `timeout` seconds; give the watched that are readable."""

    @property
    def steps(self) -> int:
        """How many steps came, over all; more where they cannot be told from the rest."""

    def learn(self, *, learning: bool) -> None:
        """While learning, whatever comes is nobody's request, and passes from now on."""

    def attribute(self) -> str:
        """See whose what came is; give a step that came while nobody was running."""

    def shut(self) -> None:
        """Hold steps from now on."""

    def open(self) -> None:
        """Let everything pass, what waits first."""

    def grant(self, lane: L) -> None:
        """Let the step go to the store, or its kept answer to the application."""

    def keep(self, lane: L) -> None:
        """Keep the answer back until granted."""

    def foreseen(self, lane: L) -> bool:
        """Whether its step, held or granted, wants what another request has: it will hardly be answered."""

    @property
    def patience(self) -> float:
        """Seconds for which who waits is left alone before another may come to wait for it in turn.

        Then the store has looked once for a cycle, and who closes one is the one whom it refuses.
        """

    def blockers(self, lane: L) -> frozenset[int | None]:
        """Give the requests that it waits for, None for somebody else, nothing when it does not wait."""

    def op(self, lane: L) -> Op:
        """Give what the held step may do, as far as dependency is concerned, or passing on a kept answer."""

    def outcome(self, lane: L) -> Op:
        """Give what the step did that was granted last, or does once it no longer waits."""

    def queues(self, lane: L, other: L) -> bool:
        """Whether the held step wants a lock that the step wants, too, in which `other` waits."""

    def point(self, lane: L) -> int:
        """Give the number of the place that sent the held step, or where a kept answer goes on."""

    def fitting(self, findings: Sequence[Finding], named: Collection[str]) -> Sequence[Finding]:
        """Give those of `findings` that are about one of the states `named` by points."""

    def remember(self) -> bytes:
        """Give what the numbers of points, and of what is touched, stand for."""

    def recall(self, remembered: bytes) -> None:
        """Take these numbers over, before any is given."""

    def drop_all(self) -> None:
        """Close every connection, but go on listening."""

    def close(self) -> None:
        """Close everything."""
