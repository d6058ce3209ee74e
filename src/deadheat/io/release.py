"""Releases requests together, over connections that stay warm from round to round.

Owns the moment: what goes ahead, the wait until the server holds it, the write that lets everybody
go, and an account of what came back. Which bytes are which is `wire`'s; what is raced, and why, is
the engine's. One thread does everything: between two racers stands one `send`, not a scheduler.

A request that was begun is always finished. Closing a connection does not cancel what is parked on
it: servers run the handlers of requests they hold in full, and some of truncated ones. What never
answers is reported as indeterminate, and every wait ends: nothing hangs on a silent server.
"""

import gc
import selectors
import time
from collections.abc import Callable, Sequence
from itertools import islice
from types import TracebackType
from typing import Self

from deadheat.io.allow import Allow
from deadheat.io.batch import Batch
from deadheat.io.lane import Lane, connect
from deadheat.io.quic import connect3
from deadheat.model import Origin, Request, Round, Shot, TargetError, Version
from deadheat.wire import PLANS, ReleasePlan

_SPIN = 300_000  # ns before a release is due in which nothing else is done
_ROUND_TRIPS = 1.5  # until what was sent ahead has arrived, where nothing signals it
_PAUSE = 0.000_2
_CREDIT = 0.02  # s until a server has allowed as many streams again as a round took


class Releaser:
    """Connections to one server over one version of HTTP.

    `deadline` in seconds bounds the wait for answers, `patience` that for the server to confirm
    that it holds what was sent ahead; `settle` is waited, at least, where nothing confirms it.
    Use it as a context: at the end what is held is let go and connections are closed.
    """

    def __init__(
        self,
        origin: Origin,
        version: Version,
        allow: Allow | None = None,
        *,
        deadline: float = 10.0,
        patience: float = 1.0,
        settle: float = 0.001,
    ) -> None:
        """Open nothing yet. Without `allow` only loopback is permitted."""
        self.origin = origin
        self.version = version
        self._allow = allow or Allow()
        self._deadline = deadline
        self._patience = patience
        self._settle = settle
        self._lanes: list[Lane] = []
        self._batches: dict[Lane, Batch] = {}
        self._selector = selectors.DefaultSelector()
        self.connections = 0  # opened so far

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go what is held, and close."""
        self.close()

    def warm(self, racers: int) -> None:
        """Open, before anything counts, the connections that this many racers need.

        Raises:
            TargetError: the server cannot be reached or does not speak the version.
        """
        idle = sum(lane.carrier.capacity for lane in self._idle())
        while idle < racers:
            idle += self._connect().carrier.capacity

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The connections that are open."""
        return tuple(self._lanes)

    def ask(self, request: Request) -> Shot:
        """Send one request alone, whole, and await its answer."""
        return self.round((request,), PLANS["whole"]).shots[0]

    def round(self, requests: Sequence[Request], plan: ReleasePlan, offsets: Sequence[float] = ()) -> Round:
        """Release `requests` together, or each at its offset in seconds; give what became of each.

        Raises:
            TargetError: before anything was sent: no connection, or a request that cannot be framed.
        """
        held = self.park(requests, plan, offsets)
        return held.finish()

    def park(self, requests: Sequence[Request], plan: ReleasePlan, offsets: Sequence[float] = ()) -> "Held":
        """Send ahead what the plan sends ahead, and wait until the server holds it.

        Raises:
            TargetError: before anything was sent: no connection, or a request that cannot be framed.
        """
        batch = Batch(requests, plan, offsets)
        shares = self._shares([(i, requests[i]) for i in batch.order])
        try:
            aheads = [(lane, batch.assign(lane, part)) for lane, part in shares]
        except TargetError:
            for lane, _ in shares:  # framed in part, nothing sent: the connection's state is spoiled
                self._drop(lane)
            raise
        for lane, ahead in aheads:
            self._batches[lane] = batch
            lane.write(ahead)
        self._arrive(batch)
        return Held(self, batch)

    def wait(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Serve the connections for this long, or until `until` holds."""
        end = time.monotonic() + seconds
        while not until():
            left = end - time.monotonic()
            if left <= 0:
                return
            self._pump(left)

    def close(self) -> None:
        """Let go what is held, await its answers, close every connection."""
        for batch in dict.fromkeys(self._batches.values()):
            self.finish(batch)
        while self._lanes:
            self._drop(self._lanes[0])
        self._selector.close()

    def finish(self, batch: Batch) -> Round:
        """Release a batch and gather its answers; `Held.finish` is the way to say it."""
        self._fire(batch)
        self.wait(self._deadline, lambda: batch.done)
        batch.give_up(f"no answer within {self._deadline:g} s", time.monotonic_ns())
        self.wait(_CREDIT, lambda: not any(lane.low for lane in batch.lanes))
        for lane in batch.lanes:
            self._batches.pop(lane, None)
            if not lane.open or lane.carrier.capacity == 0:
                self._drop(lane)
        return batch.result(self.version)

    # ---- connections

    def _idle(self) -> list[Lane]:
        """Give the connections that can take racers; those that never will again are closed."""
        self._pump(0)
        for lane in [lane for lane in self._lanes if lane not in self._batches]:
            if not lane.open or lane.carrier.capacity == 0:
                self._drop(lane)
        return [lane for lane in self._lanes if lane not in self._batches]

    def _shares(self, racers: list[tuple[int, Request]]) -> list[tuple[Lane, list[int]]]:
        """Share out racers, numbered, over idle connections; opens what is missing."""
        shares = []
        idle = self._idle()
        while racers:
            lane = idle.pop(0) if idle else self._connect()
            taken = list(islice((r for r in racers if lane.carrier.fits(r[1])), lane.carrier.capacity))
            if taken:
                shares.append((lane, [number for number, _ in taken]))
                gone = {number for number, _ in taken}
                racers = [r for r in racers if r[0] not in gone]
        return shares

    def _connect(self) -> Lane:
        if self.version is Version.H3:
            lane: Lane = connect3(self.origin, self._allow)
        else:
            lane = connect(self.origin, self.version, self._allow, self._deadline)
        self._lanes.append(lane)
        self._selector.register(lane, selectors.EVENT_READ, lane)
        self.connections += 1
        self.wait(self._deadline, lambda: lane.carrier.ready or not lane.open or bool(self._over(lane)))
        if not lane.carrier.ready or lane.carrier.capacity == 0:
            reason = self._over(lane) or "it did not greet in time"
            self._drop(lane)
            raise TargetError(f"{self.origin} takes no request over {_NAMES[self.version]}: {reason}")
        return lane

    @staticmethod
    def _over(lane: Lane) -> str:
        return str(getattr(lane.carrier, "over", ""))

    def _drop(self, lane: Lane) -> None:
        if lane in self._lanes:
            self._lanes.remove(lane)
            self._selector.unregister(lane)
        self._batches.pop(lane, None)
        lane.close()

    # ---- the moment

    def _arrive(self, batch: Batch) -> None:
        """Wait until the server holds what was sent ahead: until it says so, or for a round trip."""
        if not batch.sent_ahead:
            return
        self.wait(self._patience, lambda: batch.confirmed and not any(x.pending for x in batch.lanes))
        silent = [lane for lane in batch.lanes if lane not in batch.signals]
        if silent:
            end = time.monotonic() + self._patience
            while any(lane.open and lane.unsent() for lane in silent) and time.monotonic() < end:
                self._pump(_PAUSE)
            self.wait(self._settle + _ROUND_TRIPS * max(lane.round_trip for lane in silent))

    def _fire(self, batch: Batch) -> None:
        if batch.fired:
            return
        now = time.monotonic_ns
        collecting = gc.isenabled()
        gc.disable()  # a collection between two racers would be longer than the spread
        try:
            start = 0
            for offset, pieces in batch.pieces():
                if offset:
                    self._until(start + offset)
                if batch.disturbed:
                    pieces = [batch.again(piece) for piece in pieces]
                # From here to the last send nothing but sends: what is noted can be noted afterwards.
                shots = [piece.lane.loaded(piece.data) for piece in pieces]
                start = start or now()
                times = []
                for shoot in shots:
                    times.append(now())
                    shoot()
                for piece, at in zip(pieces, times, strict=True):
                    batch.went(piece, at)
        finally:
            if collecting:
                gc.enable()
        batch.fired = True

    def _until(self, due: int) -> None:
        """Serve the connections while there is time, then spin: sleeping is late by a scheduler's turn."""
        now = time.monotonic_ns
        while (left := due - now()) > _SPIN:
            self._pump((left - _SPIN) / 1e9)
        while now() < due:
            pass

    def _pump(self, seconds: float) -> None:
        for lane in self._lanes:
            if lane.pending != lane.watched:
                lane.watched = lane.pending
                watch = selectors.EVENT_READ | (selectors.EVENT_WRITE if lane.pending else 0)
                self._selector.modify(lane, watch, lane)
        if self.version is Version.H3:
            dues = [lane.due for lane in self._lanes]
            now = time.monotonic()
            seconds = min([seconds, *(max(due - now, 0.0) for due in dues if due is not None)])
        for key, _ in self._selector.select(seconds):
            self._serve(key.data)
        if self.version is Version.H3:
            self._tick()

    def _tick(self) -> None:
        """Let connections that keep their own time act on it."""
        now = time.monotonic()
        for lane in [lane for lane in self._lanes if (lane.due or now) < now]:
            events = lane.tick()
            batch = self._batches.get(lane)
            if batch is not None:
                batch.take(lane, events, time.monotonic_ns())

    def _serve(self, lane: Lane) -> None:
        if lane.pending:
            lane.flush()
        while lane.open and (data := lane.read()) is not None:
            at = time.monotonic_ns()
            events = lane.carrier.receive(data)
            batch = self._batches.get(lane)
            if batch is not None:
                batch.take(lane, events, at)
            lane.write(lane.carrier.replies())
            if not self.origin.tls and len(data) < 65_536:
                break  # nothing is buffered behind a plain socket
        if not lane.open and lane not in self._batches:
            self._drop(lane)
        elif not lane.open:
            self._selector.unregister(lane)
            self._lanes.remove(lane)


class Held:
    """Racers that the server holds. Finish them: a parked request may run even when it is dropped."""

    def __init__(self, releaser: Releaser, batch: Batch) -> None:
        """Made by `Releaser.park`."""
        self._releaser = releaser
        self._batch = batch

    @property
    def waiting(self) -> bool:
        """Whether every racer is still out: none was answered early, none lost its connection."""
        return self._batch.waiting

    def wait(self, seconds: float) -> bool:
        """Give the server time to get as far as it can; tells whether every racer still waits."""
        self._releaser.wait(seconds, lambda: not self._batch.waiting)
        return self._batch.waiting

    def finish(self) -> Round:
        """Release them, together or each at its offset, and await the answers."""
        return self._releaser.finish(self._batch)


_NAMES = {Version.H1: "HTTP/1.1", Version.H2: "HTTP/2", Version.H3: "HTTP/3", Version.WS: "WebSocket"}
