"""Statements held before PostgreSQL: the proxy, the session that asks who waits, and the keys as one gate.

Owns nothing but their combination. A lane is a connection, since only one request uses it at a time.
"""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import msgspec

from deadheat.engine.pg_keys import Keys
from deadheat.engine.statements.gate import Watched
from deadheat.io import pg_catalogue
from deadheat.io.pg_admin import DETECTS, Admin, Database, through
from deadheat.io.pg_proxy import Link, Proxy
from deadheat.model import Finding, Point, TargetError
from deadheat.schedule import NOTHING, Op
from deadheat.wire.pg_steps import Sent
from deadheat.wire.pg_transaction import Aspect, Touch

_BOUND = (
    "Statements of the unmodified application were held before its PostgreSQL: every order of them was"
    " tried, and none of what happens in memory between two of them."
)
_DISTRUST = (
    "The database has {}, so every two statements were taken to touch the same: more orders than"
    " needed, and none left out."
)
_PASSED = (
    "Statements that came while no request was running passed as they came; no order of them was tried: {}."
)
_LOCKS = frozenset({Aspect.LOCK, Aspect.KEY})
_DETECTED = 0.01  # seconds; ten times what `pg_admin.DETECTS` asks for
_SLOW = (
    "{} deadlocks took as long as the server's detector waits: {} may not set deadlock_timeout (GRANT SET ON"
    " PARAMETER deadlock_timeout TO {})."
)
_RESTART = 2.0  # seconds that a database may take to start again
_LOOK = 0.1
VARIABLE = "DATABASE_URL"


class PostgresGate:
    """A `Gate` before the database at `url`."""

    lazy = False
    noun = "table"
    absent = (
        f"did not connect to its database through {VARIABLE}: no statement of it would be held; let it"
        " take its database from there"
    )

    def __init__(self, url: str) -> None:
        """Log in and listen.

        Raises:
            TargetError: it cannot be reached or stood before.
        """
        self._url = url
        self._database = Database.of(url)
        self._admin = Admin(self._database)
        self._proxy = Proxy(self._database)
        self._proxy.habits.detects = self._admin.may_set(DETECTS)
        self._keys = Keys()
        self.running: int | None = None
        self._hidden: tuple[str, ...] = ()
        self._granted: dict[Link, Sent] = {}

    @property
    def lanes(self) -> Sequence[Link]:
        """The connections."""
        return self._proxy.links

    @property
    def opened(self) -> int:
        """How many connections there were, over all."""
        return self._proxy.opened

    @property
    def news(self) -> int:
        """How many steps did no more than prepare a statement under a name."""
        return self._proxy.habits.prepared

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
        """The statements met so far, by number."""
        return self._keys.points

    @property
    def distrusted(self) -> bool:
        """Whether the database hides what a statement touches, so that no two are independent."""
        return self._keys.distrusted

    @property
    def bounds(self) -> tuple[str, ...]:
        """What is not shown, and what was in the way."""
        found = [_BOUND]
        if self._hidden:
            found.append(_DISTRUST.format(", ".join(self._hidden)))
        habits = self._proxy.habits
        if habits.deadlocks and not habits.detects:
            user = self._database.user
            found.append(_SLOW.format(habits.deadlocks, user, user))
        if passed := habits.background:
            found.append(_PASSED.format("; ".join(sorted(passed))))
        return tuple(found)

    @property
    def steps(self) -> int:
        """How many steps came, over all."""
        return self._proxy.habits.steps

    def learn(self, *, learning: bool) -> None:
        """While learning, whatever comes is nobody's request, and passes from now on."""
        self._proxy.habits.learning = learning

    def environment(self) -> Mapping[str, str]:
        """Lead DATABASE_URL to the proxy."""
        return {VARIABLE: through(self._url, self._proxy.port)}

    def through(self, url: str) -> str:
        """Lead another URL of the same server to the proxy."""
        return through(url, self._proxy.port)

    def reach(self) -> None:
        """See that the database is there; after it was started again we log in again."""
        try:
            self._admin.rows("SELECT 1")
        except TargetError:
            self._admin.close()
            self._admin = self._again()

    def _again(self) -> Admin:
        end = time.monotonic() + _RESTART
        while True:
            try:
                return Admin(self._database)
            except TargetError:
                if time.monotonic() > end:
                    raise
                self._proxy.pump(_LOOK)

    def started(self) -> None:
        """Ask the catalogue what makes statements touch more than they name."""
        self._hidden = pg_catalogue.hidden_effects(self._admin)
        self._keys.distrusted = bool(self._hidden)
        pg_catalogue.read(self._admin, self._proxy.habits.catalogue)

    def adapted(self) -> bool:
        """Speak TLS, if somebody left for want of it."""
        adapts = self._proxy.insisted and not self._proxy.encrypts
        if adapts:
            self._proxy.encrypts, self._proxy.insisted = True, False
        return adapts

    def pump(self, timeout: float, watched: Sequence[Watched] = ()) -> list[Watched]:
        """Move bytes once."""
        return self._proxy.pump(timeout, watched)

    def attribute(self) -> str:
        """Say whose the connections are that are busy now."""
        for link in tuple(self._proxy.moved):
            if not link.busy:
                link.owner = None
            elif link.owner is None and not link.background:
                link.owner = self.running
                if link.owner is None:
                    if link.held is not None:
                        self._proxy.habits.background.add(link.held.statement)
                        return link.held.statement
                    continue  # it is the next one's who goes on
            self._proxy.moved.discard(link)
        return ""

    def shut(self) -> None:
        """Hold steps from now on."""
        self._proxy.gate = True

    def open(self) -> None:
        """Let everything pass."""
        self._proxy.open_gate()

    def grant(self, lane: Link) -> None:
        """Let a statement or a kept answer go."""
        holds = not lane.muffled and lane.held is not None
        lane.session.given_up = ()
        self._proxy.grant(lane)
        self._granted[lane] = lane.session.last if holds else Sent()

    def keep(self, lane: Link) -> None:
        """Keep the answer back until granted."""
        lane.muffled = True

    @property
    def patience(self) -> float:
        """Where the detector runs at once: long enough that it has, on a busy machine, too."""
        return _DETECTED if self._proxy.habits.detects else 0.0

    def foreseen(self, lane: Link) -> bool:
        """Whether an open transaction of another request has a lock that it wants."""
        taken, own = self._taken(lane), lane.session.at_risk
        if lane.held is None:
            own = self._granted.get(lane, Sent()).own
        # A lock of an unknown row may be another one than the transaction has.
        wanted = self._locks(touch for touch in taken if not touch.row or touch not in own)
        others = (other for other in self._proxy.links if other.owner not in {None, lane.owner})
        return any(wanted.conflicts(self._locks(other.session.at_risk)) for other in others)

    def blockers(self, lane: Link) -> frozenset[int | None]:
        """Ask the database who holds the locks it waits for."""
        others = {other.session.pid: other for other in self._proxy.links}
        found = [others.get(pid) for pid in self._admin.blockers(lane.session.pid)]
        return frozenset(other.owner if other else None for other in found if not (other and other.failing))

    def op(self, lane: Link) -> Op:
        """Give what the held statement touches."""
        if lane.muffled or lane.held is None:
            return NOTHING
        touches = lane.session.touches(lane.held)
        if touches is not None:
            touches += lane.session.at_risk
        return self._keys.op(touches, lane.session.pid)

    def outcome(self, lane: Link) -> Op:
        """Give what the statement touched, and the locks that it gave up if it failed."""
        touches = self._granted.get(lane, Sent(None)).touches
        if touches is not None:
            touches += lane.session.given_up
        return self._keys.op(touches, lane.session.pid)

    def queues(self, lane: Link, other: Link) -> bool:
        """Whether both want the lock of one row or table."""
        return self._locks(self._taken(lane)).conflicts(self._locks(self._taken(other)))

    def _taken(self, lane: Link) -> tuple[Touch, ...]:
        """The locks that a step takes that waits here, or took that was granted."""
        return (
            lane.session.takes(lane.held) if lane.held is not None else self._granted.get(lane, Sent()).taken
        )

    def _locks(self, touches: Iterable[Touch]) -> Op:
        locks = tuple(touch for touch in touches if touch.aspect in _LOCKS and touch.write)
        return self._keys.op(locks) if locks else NOTHING

    def point(self, lane: Link) -> int:
        """Give the number of the held statement, or of going on after a wait."""
        return self._keys.resume() if lane.muffled or lane.held is None else self._keys.point(lane.held)

    def fitting(self, findings: Sequence[Finding], named: Collection[str]) -> Sequence[Finding]:
        """Give those about one of these tables."""
        return [finding for finding in findings if finding.state.path.split(".")[0].lower() in named]

    def remember(self) -> bytes:
        """Give what the numbers of points, and of what is touched, stand for."""
        return msgspec.msgpack.encode(replace(self._keys, _sent_from={}, _ops={}))  # those are made again

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
