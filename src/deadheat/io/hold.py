"""The controller's end of the probes: runs schedules inside a probed application.

Owns the control socket and the words on it (docs/protocol.md). It must not know which schedule
comes next nor what makes an outcome wrong. The application connects to us; each message is one
line; a whole prefix goes out in one message and the trace of the execution comes back in one.
"""

import socket
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar
from urllib.parse import unquote

from msgspec import Struct

from deadheat.model import TargetError
from deadheat.schedule import End, Op, Proposal, Trace, TraceStep

HEADER = "x-deadheat-actor"

_MOST = 4096  # records remembered

K = TypeVar("K")
T = TypeVar("T")


class NotRestoredError(Exception):
    """The marked values could not be brought back (a clone shares what it holds, say)."""


class ProbedStep(NamedTuple):
    """One step as the runtime saw it: values are None where no probe can see them."""

    actor: int
    point: int
    place: int
    before: str | None
    after: str | None


class Mounted(NamedTuple):
    """A route as Rocket serves it: the handler's bare name, its method, and its path template."""

    name: str
    method: str
    uri: str


class Place(Struct, frozen=True):
    """A piece of state the runtime remembers: the probe that saw it first, and its value."""

    point: int
    place: int
    value: str | None
    kept: bool = True


class Script(Struct, frozen=True):
    """What the application sends to itself in each lap, as bytes on the wire.

    `racers` are what comes before and behind the racer's name; `after` are the requests that look at the
    state when all is over.
    """

    port: int
    racers: tuple[tuple[bytes, bytes], ...]
    after: tuple[bytes, ...] = ()


class Execution(Struct, frozen=True):
    """One schedule run in the application: the search's view, the values, the final state."""

    trace: Trace
    steps: tuple[ProbedStep, ...]
    places: tuple[Place, ...]
    pending_points: Mapping[int, int] = {}


class Lap(NamedTuple):
    """One schedule whose requests the application sent: with the answers, then those about the state."""

    execution: Execution
    answers: tuple[bytes | None, ...]


class Runtime:
    """The probe runtime of one running application.

    Raises (from every method):
        TargetError: the application closed the socket (it exited or crashed), stayed silent
            past the time-out, or said something this version does not know.
    """

    def __init__(self, connection: socket.socket, timeout: float) -> None:
        """Speak over `connection`; `timeout` in seconds bounds each wait for an answer."""
        self._socket = connection
        self._timeout = timeout
        self._buffer = b""
        self._effects: dict[int, tuple[int, bool]] = {}
        self._steps: dict[str, tuple[ProbedStep, TraceStep]] = {}
        self._states: dict[str, tuple[Place, ...]] = {}
        self._again = False
        self._answers: dict[int, bytes] = {}
        self._laps: dict[bytes, Lap] = {}
        self.pid = 0
        self.laps = False
        self.routes: tuple[Mounted, ...] = ()

    def greet(self, timeout: float) -> int:
        """Await HELLO and READY; give the port the application listens on, and keep its routes."""
        self._socket.settimeout(timeout)
        words = self._line()
        if words[0] == "HELLO":
            if words[1] != "1":
                raise TargetError(f"the probe runtime speaks protocol {words[1]}, not 1: build again")
            self.pid = int(words[2])
            self.laps = "laps" in words[3:]
            words = self._line()
        if words[0] != "READY":
            raise TargetError(f"the probe runtime said {words[0]!r} instead of READY")
        self._socket.settimeout(self._timeout)
        listed = _records(words[2] if len(words) > 2 else "-")
        self.routes = tuple(Mounted(*map(unquote, record.split(":"))) for record in listed)
        return int(words[1])

    def points(self, effects: Mapping[int, tuple[int, bool]]) -> None:
        """Tell the effect of each probe point: its resource (0 unknown), and whether it writes."""
        self._effects = dict(effects)
        self._steps.clear()
        table = ",".join(
            f"{point}:{resource}:{'w' if write else 'r'}" for point, (resource, write) in effects.items()
        )
        self._ask("POINTS", table or "-")

    def start(self, run: int, actors: int, proposal: Proposal, *, again: bool = False) -> None:
        """Announce run number `run`; its requests carry `x-deadheat-actor: run.actor`.

        `again`: from the marked values, which are brought back before. No answer is awaited here.
        """
        self._again = again
        self._say("AGAIN\nRUN" if again else "RUN", *_order(run, actors, proposal))

    def finish(self, run: int) -> Execution:
        """Await the end of the execution.

        Raises:
            NotRestoredError: it was to begin from the marked values, and they could not be brought back.
        """
        words = self._line()
        if words[0] == "FAIL" and self._again:
            raise NotRestoredError(unquote(" ".join(words[1:])))
        return self._execution(run, words)

    def script(self, script: Script) -> None:
        """Tell what the racers of the laps to come send."""
        racers = ",".join(f"{before.hex()}:{behind.hex()}" for before, behind in script.racers)
        after = ",".join(request.hex() for request in script.after) or "-"
        self._ask("SCRIPT", str(script.port), str(round(self._timeout * 1000)), racers, after)

    def lap(self, orders: Sequence[tuple[int, int, Proposal]]) -> None:
        """Announce runs, each a number, the number of its actors, and its order.

        Each begins from the marked values. The application sends their requests, one run after the
        other; each is to be awaited with `arrive`.
        """
        lines = (("LAP", *_order(run, actors, proposal)) for run, actors, proposal in orders)
        self._say("\n".join(map(" ".join, lines)))

    def arrive(self, run: int) -> Lap:
        """Await the end of a lap; for the same steps, values and answers the same object each time.

        Raises:
            NotRestoredError: it was to begin from the marked values, and they could not be brought back.
        """
        begins = f"TRACE {run} ".encode()
        while not (line := self._bytes()).startswith(begins):
            words = line.decode().split(" ")
            if words[0] == "FAIL":
                raise NotRestoredError(unquote(words[1]))
            if words[0] == "CUT":
                raise TargetError(f"no answer came: {unquote(words[1])}")
            if words[0] != "ANSWER":
                raise TargetError(f"the probe runtime answered {' '.join(words[:2])!r} to run {run}")
            self._laps.clear()  # the number may have been another's
            self._answers[int(words[1])] = bytes.fromhex(words[2])
        known = self._laps.get(line[len(begins) :])
        if known is None:
            words = line.decode().split(" ")
            answers = tuple(self._answers.get(int(number)) for number in _records(words[-1]))
            known = Lap(self._execution(run, words[:-1]), answers)
            _remember(self._laps, line[len(begins) :], known)
        return known

    def _execution(self, run: int, words: list[str]) -> Execution:
        if words[0] != "TRACE" or len(words) != 6 or words[1] != str(run):
            raise TargetError(f"the probe runtime answered {' '.join(words[:2])!r} to run {run}")
        _, _, end, steps, pending, state = words
        seen = [self._step(record) for record in _records(steps)]
        waiting = [tuple(map(int, record.split(":"))) for record in _records(pending)]
        trace = Trace(
            tuple(step for _, step in seen),
            End(end),
            tuple((actor, self._op(point, place)) for actor, point, place in waiting),
        )
        return Execution(
            trace,
            tuple(step for step, _ in seen),
            self._places(state),
            {actor: point for actor, point, _ in waiting},
        )

    def _step(self, record: str) -> tuple[ProbedStep, TraceStep]:
        """Read a step; most of an exploration's were read before."""
        known = self._steps.get(record)
        if known is None:
            actor, point, place, enabled, before, after = record.split(":")
            probed = ProbedStep(int(actor), int(point), int(place), _value(before), _value(after))
            op = self._op(probed.point, probed.place)
            known = probed, TraceStep(probed.actor, op, _mask(enabled), probed.point)
            _remember(self._steps, record, known)
        return known

    def _places(self, state: str) -> tuple[Place, ...]:
        """Read the final state; the outcomes of one scenario are few."""
        known = self._states.get(state)
        if known is None:
            records = (record.split(":") for record in _records(state))
            known = tuple(Place(int(point), int(place), _value(value)) for point, place, value in records)
            _remember(self._states, state, known)
        return known

    def release(self) -> bool:
        """Let everything held go on; whether all finished (False: the process sleeps for good)."""
        self._say("RELEASE")
        words = self._line()
        if words[0] not in {"FREE", "QUIET"}:
            raise TargetError(f"the probe runtime answered {words[0]!r} to RELEASE")
        return words[0] == "FREE"

    def mark(self) -> None:
        """Remember the present values as those that `restore` brings back."""
        self._ask("MARK")

    def restore(self) -> bool:
        """Bring the marked values back; whether that worked (a clone may share what it holds)."""
        self._say("RESTORE")
        return self._line()[0] == "OK"

    def state(self) -> tuple[Place, ...]:
        """Give the present value of every remembered place."""
        self._say("STATE")
        words = self._line()
        if words[0] != "STATE":
            raise TargetError(f"the probe runtime answered {words[0]!r} to STATE")
        records = [record.split(":") for record in _records(words[1])]
        return tuple(
            Place(int(point), int(place), _value(value), kept == "1") for point, place, kept, value in records
        )

    def close(self) -> None:
        """Close the socket; the runtime then ends its process."""
        self._socket.close()

    def _op(self, point: int, place: int) -> Op:
        resource, write = self._effects.get(point, (0, True))
        return Op(resource, write, place)

    def _ask(self, *words: str) -> None:
        self._say(*words)
        answer = self._line()
        if answer[0] != "OK":
            raise TargetError(f"{words[0]} failed in the application: {unquote(' '.join(answer))}")

    def _say(self, *words: str) -> None:
        try:
            self._socket.sendall((" ".join(words) + "\n").encode())
        except OSError as error:
            raise TargetError(f"the application closed the control socket: {error}") from error

    def _line(self) -> list[str]:
        return self._bytes().decode().split(" ")

    def _bytes(self) -> bytes:
        while b"\n" not in self._buffer:
            try:
                data = self._socket.recv(1 << 20)
            except TimeoutError as error:
                raise TargetError("the application does not answer its probes any more") from error
            except OSError as error:
                raise TargetError(f"the control socket broke: {error}") from error
            if not data:
                raise TargetError("the application ended")
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line


class Listener:
    """The unix socket that a probed application connects to; one application at a time."""

    def __init__(self, path: Path) -> None:
        """Listen at `path`, alone in a folder that `close` removes with it."""
        self.path = path
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(path))
        self._socket.listen(4)

    def accept(self, timeout: float, reply_timeout: float) -> Runtime | None:
        """Await the application for `timeout` seconds; None when it did not connect."""
        self._socket.settimeout(timeout)
        try:
            connection, _ = self._socket.accept()
        except TimeoutError:
            return None
        return Runtime(connection, reply_timeout)

    def close(self) -> None:
        """Stop listening and remove the socket with its folder."""
        self._socket.close()
        self.path.unlink(missing_ok=True)
        self.path.parent.rmdir()


def _remember(memory: dict[K, T], text: K, meaning: T) -> None:
    if len(memory) >= _MOST:
        memory.clear()
    memory[text] = meaning


def _order(run: int, actors: int, proposal: Proposal) -> Sequence[str]:
    policy = () if proposal.policy is None else (str(proposal.policy),)
    return str(run), str(actors), _numbers(proposal.prefix), _numbers(sorted(proposal.sleep)), *policy


def _numbers(values: Iterable[int]) -> str:
    return ",".join(map(str, values)) or "-"


def _records(text: str) -> Sequence[str]:
    return () if text == "-" else text.split(",")


def _mask(text: str) -> frozenset[int]:
    bits = int(text)
    return frozenset(actor for actor in range(bits.bit_length()) if bits >> actor & 1)


def _value(text: str) -> str | None:
    return unquote(text) if text else None
