"""The asyncio side of the probes: connects to the controller, holds requests, answers.

Owns the control socket, the requests held, the clock, and the places remembered. It must not
know which step comes next: `scheduler` says so. All of it runs in the event loop of the
application, so a choice is made by whoever came to rest last, and one that falls on itself costs
no switch.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from msgspec import Struct

from deadheat_embedded.place import PROBE, Mutex
from deadheat_embedded.protocol import VERSION, Ask, Order, Points, encode, listed, parse, racer, record
from deadheat_embedded.scheduler import Ended, Go, Released, Scheduler

HEADER = b"x-deadheat-actor"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Remembered(Struct):
    """A place that some probe met: the first point that did, its number, the value to restore."""

    mutex: Mutex[Any]
    point: int
    number: int
    kept: object


class Waiting(Struct, frozen=True):
    """A request held at a point: what the scheduler asks of it, and how it is let go."""

    point: int
    place: int
    mutex: Mutex[Any]
    gate: asyncio.Future[None]

    def free(self) -> bool:
        """Whether the lock ahead could be acquired at once."""
        return self.mutex.free

    def value(self) -> str:
        """The value behind the lock, if it can be seen."""
        return self.mutex.look()


class Runtime:
    """One application's connection to its controller."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._scheduler: Scheduler[Waiting] = Scheduler()
        self._places: dict[int, Remembered] = {}
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    async def connect(cls, path: str) -> "Runtime":
        """Connect to the controller's unix socket at `path` and say hello."""
        runtime = cls(*await asyncio.open_unix_connection(path))
        runtime._say("HELLO", VERSION, os.getpid())
        return runtime

    def ready(self, port: int) -> None:
        """Tell the controller where the application listens."""
        self._say("READY", port)

    async def serve(self) -> None:
        """Answer the controller until it is gone; then end the process, whatever it is doing."""
        while line := await self._reader.readline():
            try:
                self._obey(parse(line.decode()))
            except ValueError as error:
                self._say("FAIL", encode(str(error)))
            self._perform()
        os._exit(0)  # no orphan is left behind, not even one that is deadlocked

    def steer(self, application: Application) -> Application:
        """`application` as ASGI middleware: requests with the racer's header stop at its probes."""

        async def steered(scope: Scope, receive: Receive, send: Send) -> None:
            header = next((value for name, value in scope.get("headers", ()) if name == HEADER), b"")
            named = racer(header.decode("latin-1"))
            if named is None:
                await application(scope, receive, send)
                return

            async def probe(point: int, mutex: Mutex[Any]) -> None:
                await self._hold(named, point, mutex)

            self._scheduler.arrive(*named)
            self._perform()
            token = PROBE.set(probe)
            try:
                await application(scope, receive, send)
            finally:
                PROBE.reset(token)
                self._scheduler.answer(*named)
                self._perform()

        return steered

    async def _hold(self, named: tuple[int, int], point: int, mutex: Mutex[Any]) -> None:
        gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = Waiting(point, self._remember(point, mutex).number, mutex, gate)
        if self._scheduler.hold(*named, waiting):
            self._perform()
            await gate

    def _remember(self, point: int, mutex: Mutex[Any]) -> Remembered:
        known = self._places.get(id(mutex))
        if known is None:
            known = Remembered(mutex, point, len(self._places) + 1, mutex.keep())
            self._places[id(mutex)] = known
        return known

    def _obey(self, command: Points | Order | Ask) -> None:
        match command:
            case Points(table):
                self._scheduler.points = {point: (resource, writes) for point, resource, writes in table}
                self._say("OK")
            case Order():
                self._scheduler.announce(command)
            case Ask("RELEASE"):
                self._scheduler.release()
            case Ask("MARK"):
                for place in self._places.values():
                    place.kept = place.mutex.keep()
                self._say("OK", len(self._places), len(self._places))
            case Ask(("RESTORE" | "AGAIN") as verb):
                locked = [place.number for place in self._places.values() if not place.mutex.put(place.kept)]
                if locked:
                    self._say("FAIL", encode(f"locked: {locked}"))
                elif verb == "RESTORE":
                    self._say("OK")
            case Ask("STATE"):
                places = self._places.values()
                self._say(
                    "STATE", listed(record(p.point, p.number, 1, encode(p.mutex.look())) for p in places)
                )

    def _perform(self) -> None:
        """Do what the scheduler decided, and have the clock run while it watches for something."""
        for effect in self._scheduler.take_effects():
            match effect:
                case Go(held):
                    if not held.gate.done():
                        held.gate.set_result(None)
                case Ended():
                    self._tell(effect)
                case Released(finished):
                    self._say("FREE" if finished else "QUIET")
        if self._timer is None and (interval := self._scheduler.interval) is not None:
            self._timer = asyncio.get_running_loop().call_later(interval, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._scheduler.tick()
        self._perform()

    def _tell(self, ended: Ended) -> None:
        steps = (
            record(
                step.actor, step.point, step.place, sum(1 << actor for actor in step.enabled),
                encode(step.before), encode(step.after),
            )
            for step in ended.steps
        )  # fmt: skip
        pending = (record(*where) for where in ended.pending)
        state = (record(p.point, p.number, encode(p.mutex.look())) for p in self._places.values())
        self._say("TRACE", ended.run, ended.end, listed(steps), listed(pending), listed(state))

    def _say(self, *words: object) -> None:
        self._writer.write((" ".join(map(str, words)) + "\n").encode())
