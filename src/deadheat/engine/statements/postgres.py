"""Statements held before PostgreSQL: the proxy, the session that asks who waits, and the keys as one gate.

Owns nothing but their combination. A lane is a connection, since only one request uses it at a time.
"""

import time
from collections.abc import Collection, Mapping, Sequence

from deadheat.engine.pg_keys import Keys
from deadheat.engine.statements.gate import Watched
from deadheat.io import pg_catalogue
from deadheat.io.pg_admin import Admin, Database, through
from deadheat.io.pg_proxy import Link, Proxy
from deadheat.model import Finding, Point, TargetError
from deadheat.schedule import NOTHING, Op
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
        self._keys = Keys()
        self.running: int | None = None
        self._hidden: tuple[str, ...] = ()
        self._granted: dict[Link, tuple[Touch, ...] | None] = {}

    @property
    def lanes(self) -> Sequence[Link]:
        """The connections."""
        return self._proxy.links

    @property
    def opened(self) -> int:
        """How many connections there were, over all."""
        return self._proxy.opened

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
        if passed := self._proxy.habits.background:
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

    def pump(self, timeout: float, watched: Sequence[Watched] = ()) -> list[Watched]:
        """Move bytes once."""
        return self._proxy.pump(timeout, watched)

    def attribute(self) -> str:
        """Say whose the connections are that are busy now."""
        running = self.running
        for link in self._proxy.links:
            if not link.busy:
                link.owner = None
            elif link.owner is None and not link.background:
                link.owner = running
                if running is None and link.held is not None:
                    self._proxy.habits.background.add(link.held.statement)
                    return link.held.statement
        return ""

    def shut(self) -> None:
        """Hold steps from now on."""
        self._proxy.gate = True

    def open(self) -> None:
        """Let everything pass."""
        self._proxy.open_gate()

    def grant(self, lane: Link) -> None:
        """Let a statement or a kept answer go."""
        if not lane.muffled and lane.held is not None:
            self._granted[lane] = lane.session.touches(lane.held)
        else:
            self._granted[lane] = ()
        lane.session.given_up = ()
        self._proxy.grant(lane)

    def keep(self, lane: Link) -> None:
        """Keep the answer back until granted."""
        lane.muffled = True

    def blockers(self, lane: Link) -> frozenset[int | None]:
        """Ask the database who holds the locks it waits for."""
        owners = {other.session.pid: other.owner for other in self._proxy.links}
        return frozenset(owners.get(pid) for pid in self._admin.blockers(lane.session.pid))

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
        touches = self._granted.get(lane)
        if touches is not None:
            touches += lane.session.given_up
        return self._keys.op(touches, lane.session.pid)

    def queues(self, lane: Link, other: Link) -> bool:
        """Whether both want the lock of one row or table."""
        wanted = lane.session.touches(lane.held) if lane.held is not None else ()
        return self._locks(wanted).conflicts(self._locks(self._wanted(other)))

    def _wanted(self, lane: Link) -> tuple[Touch, ...] | None:
        """What the step touches that waits, in the database or here."""
        return lane.session.touches(lane.held) if lane.held is not None else self._granted.get(lane)

    def _locks(self, touches: tuple[Touch, ...] | None) -> Op:
        locks = [touch for touch in touches or () if touch.aspect in _LOCKS and touch.write]
        return NOTHING if touches is None else self._keys.op(locks)

    def point(self, lane: Link) -> int:
        """Give the number of the held statement, or of going on after a wait."""
        return self._keys.resume() if lane.muffled or lane.held is None else self._keys.point(lane.held)

    def fitting(self, findings: Sequence[Finding], named: Collection[str]) -> Sequence[Finding]:
        """Give those about one of these tables."""
        return [finding for finding in findings if finding.state.path.split(".")[0].lower() in named]

    def drop_all(self) -> None:
        """Close every connection of the application's."""
        self._granted.clear()
        self._proxy.drop_all()

    def close(self) -> None:
        """Close the proxy and log out."""
        self._proxy.close()
        self._admin.close()
