"""Commands held before Redis: the proxy, the session that asks who is blocked, and the keys as one gate.

Owns their combination, and the mapping from what `wire.redis_steps` says of a unit to `Op` and `Point`.
Numbers are given in order of meeting and never change while it lives.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from deadheat.engine.statements.gate import ANYBODY, UNKNOWN, Watched
from deadheat.io.redis_admin import Admin, Server, through
from deadheat.io.redis_proxy import Lane, Proxy
from deadheat.model import AccessKind, Finding, Point, Span, StateKind, TargetError
from deadheat.schedule import NOTHING, Op
from deadheat.wire.redis_commands import Access
from deadheat.wire.redis_steps import Unit, shape

VARIABLE = "REDIS_URL"
_NOWHERE = Span("", 1, 1, 1, 1)
_ANY = "any key"
_RESUME = "goes on after it waited for another request"
_BOUND = (
    "Commands of the unmodified application were held before its Redis: every order of them was tried, and"
    " none of what happens in memory between two of them; keys that expire do so by the clock."
)
_PASSED = (
    "Commands that came while no request was running passed as they came; no order of them was tried: {}."
)


@dataclass
class Keys:
    """The registry of one exploration."""

    points: dict[int, Point] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)
    _keys: dict[bytes, int] = field(default_factory=dict)

    def op(self, touches: Sequence[Access]) -> Op:
        """Give what a unit does as far as dependency is concerned."""
        found = [self._single(access) for access in touches]
        return found[0].also(found[1:]) if found else UNKNOWN

    def _single(self, access: Access) -> Op:
        if access.key is None:
            return Op(0, access.write)
        return Op(self._keys.setdefault(access.key, len(self._keys) + 1), access.write)

    def point(self, unit: Unit) -> int:
        """Give the number of the place in the application that sends this unit."""
        named = (_ANY if access.key is None else shape(access.key) for access in unit.touches)
        write = any(access.write for access in unit.touches)
        effect = AccessKind.WRITE if write else AccessKind.READ
        return self._number(unit.statement, ", ".join(dict.fromkeys(named)) or _ANY, effect)

    def resume(self, unit: Unit) -> int:
        """Give the number of the place where a unit that waited goes on."""
        named = ", ".join(dict.fromkeys(shape(a.key) for a in unit.touches if a.key is not None))
        return self._number(f"{unit.statement} {_RESUME}", named or _ANY, AccessKind.ACQUIRE)

    def _number(self, statement: str, state: str, effect: AccessKind) -> int:
        identity = f"redis:{hashlib.sha256(statement.encode()).hexdigest()[:8]}"
        number = self._numbers.setdefault(identity, len(self._numbers) + 1)
        self.points.setdefault(number, Point(number, identity, _NOWHERE, state, effect, statement))
        return number


class RedisGate:
    """A `Gate` before the Redis at `url`."""

    lazy = True
    noun = "key"

    def __init__(self, url: str) -> None:
        """Log in and listen.

        Raises:
            TargetError: it cannot be reached or stood before.
        """
        self._url = url
        self._server = Server.of(url)
        self._admin = Admin(self._server)
        self._proxy = Proxy(self._server)
        self._keys = Keys()
        self._granted: dict[Lane, Op] = {}

    @property
    def running(self) -> int | None:
        """The request that goes on."""
        return self._proxy.running

    @running.setter
    def running(self, actor: int | None) -> None:
        self._proxy.running = actor

    @property
    def lanes(self) -> Sequence[Lane]:
        """What each request has under way on each connection."""
        return self._proxy.lanes

    @property
    def opened(self) -> int:
        """How many connections there were, over all."""
        return self._proxy.opened

    @property
    def news(self) -> int:
        """None: nothing is a step the first time only."""
        return 0

    @property
    def stirred(self) -> int:
        """How often something came, over all."""
        return self._proxy.stirred

    @property
    def unsupported(self) -> str:
        """Why what the application does cannot be explored, empty if it can."""
        return self._proxy.unsupported

    @property
    def points(self) -> Mapping[int, Point]:
        """The commands met so far, by number."""
        return self._keys.points

    @property
    def bounds(self) -> tuple[str, ...]:
        """What is not shown."""
        passed = self._proxy.habits.background
        return (_BOUND, _PASSED.format("; ".join(sorted(passed)))) if passed else (_BOUND,)

    @property
    def absent(self) -> str:
        """What to tell a user whose application never came here."""
        return (
            f"did not connect to its Redis through {VARIABLE}: no command of it would be held; let it take"
            " its address from there, or from a database of Rocket's configuration"
        )

    def environment(self) -> Mapping[str, str]:
        """Lead REDIS_URL to the proxy."""
        return {VARIABLE: through(self._url, self._proxy.port)}

    def through(self, url: str) -> str:
        """Lead another URL of the same server to the proxy."""
        return through(url, self._proxy.port)

    @property
    def steps(self) -> int:
        """How many steps came, over all."""
        return self._proxy.habits.steps

    def learn(self, *, learning: bool) -> None:
        """While learning, whatever comes is nobody's request, and passes from now on."""
        self._proxy.habits.learning = learning

    def reach(self) -> None:
        """See that the Redis is there; after it was started again we log in again."""
        try:
            self._admin.ask("PING")
        except TargetError:
            self._admin.close()
            self._admin = Admin(self._server)

    def started(self) -> None:
        """Look at nothing: a Redis has no tables."""

    def adapted(self) -> bool:
        """Deny it."""
        return False

    def pump(self, timeout: float, watched: Sequence[Watched] = ()) -> list[Watched]:
        """Move bytes once."""
        return self._proxy.pump(timeout, watched)

    def attribute(self) -> str:
        """Give a step that came while nobody was running."""
        return self._proxy.stray

    def shut(self) -> None:
        """Hold steps from now on."""
        self._granted.clear()
        self._proxy.gate = True

    def open(self) -> None:
        """Let everything pass."""
        self._proxy.open_gate()

    def grant(self, lane: Lane) -> None:
        """Let a command or a kept answer go."""
        if lane.held is not None:
            self._granted[lane] = self.op(lane)
        self._proxy.grant(lane)

    def keep(self, lane: Lane) -> None:
        """Keep the answer back until granted."""
        self._proxy.keep(lane)

    @property
    def patience(self) -> float:
        """None: in Redis nobody waits for each other."""
        return 0.0

    def foreseen(self, lane: Lane) -> bool:
        """Deny it: who waits there waits for what nobody has."""
        return False

    def blockers(self, lane: Lane) -> frozenset[int | None]:
        """Ask Redis whether the connection waits in a blocking command: whoever pushes ends that."""
        return frozenset({ANYBODY}) if lane.link.port in self._admin.blocked() else frozenset()

    def op(self, lane: Lane) -> Op:
        """Give what the held command touches."""
        held = lane.held
        return NOTHING if lane.kept is not None or held is None else self._keys.op(held.unit.touches)

    def outcome(self, lane: Lane) -> Op:
        """Give what the granted command touched."""
        return self._granted.get(lane, UNKNOWN)

    def queues(self, lane: Lane, other: Lane) -> bool:
        """Deny it: Redis serves those who wait for an element in the order in which they came."""
        return False

    def point(self, lane: Lane) -> int:
        """Give the number of the held command, or of going on after a wait."""
        kept, held = lane.kept, lane.held
        if kept is not None:
            return self._keys.resume(kept.unit)
        return self._keys.point(held.unit) if held is not None else 0

    def fitting(self, findings: Sequence[Finding], named: Collection[str]) -> Sequence[Finding]:
        """Give those about one of these keys: by what a key begins with, else all about a cache.

        The source may say no more of a key than the name of the variable that holds it.
        """
        cached = [finding for finding in findings if finding.state.kind is StateKind.CACHE]
        close = [f for f in cached if any(key == f.state.path or _begins(key, f.state.path) for key in named)]
        return close or cached

    def remember(self) -> bytes:
        """Give what the numbers of points, and of what is touched, stand for."""
        return msgspec.msgpack.encode(self._keys)

    def recall(self, remembered: bytes) -> None:
        """Take these numbers over."""
        self._keys = msgspec.msgpack.decode(remembered, type=Keys)

    def drop_all(self) -> None:
        """Close every connection of the application's."""
        self._granted.clear()
        self._proxy.drop_all()

    def close(self) -> None:
        """Close the proxy and log out."""
        self._proxy.close()
        self._admin.close()


def _begins(key: str, path: str) -> bool:
    return any(key.startswith(path + separator) for separator in ":/.-_")
