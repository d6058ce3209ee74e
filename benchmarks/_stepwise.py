"""A controller outside the application: one round trip a step, four requests a schedule.

What Deadheat's prototype did, kept as a peer: the application tells of each probe and waits to be let go;
it is put back by a request, and its state is read by one. The search is the plain depth-first one, which
visits the same six orders of two visits.
"""

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks._racing import ROOT
from deadheat.io.http import Connection
from deadheat.io.optimize import profile
from deadheat.io.ports import free_port
from deadheat.model import Request
from deadheat.schedule import Exhaustive, Op, Problem, Proposal, Trace, TraceStep

_HOME = ROOT / "benchmarks" / "stepwise"
INCREMENT, RESET, COUNT = (Request("GET", f"/{name}") for name in ("increment", "reset", "count"))


class Controller:
    """Holds the two requests of the one application that is connected."""

    def __init__(self, control: socket.socket, port: int) -> None:
        self._control = control
        self._lines = control.makefile("r")
        self._racers = [Connection(port), Connection(port)]
        self._other = Connection(port)

    def run(self, proposal: Proposal) -> Trace:
        """Run one schedule, step by step."""
        self._other.ask(RESET)
        for actor, connection in enumerate(self._racers):
            connection.send(INCREMENT, ("x-deadheat-actor", f"1.{actor}"))
        held = {self._settled()[0] for _ in self._racers}
        steps: list[TraceStep] = []
        while held:
            wanted = proposal.prefix[len(steps)] if len(steps) < len(proposal.prefix) else min(held)
            steps.append(TraceStep(wanted, Op(1), frozenset(held)))
            self._control.sendall(b"GO %d\n" % wanted)
            actor, through = self._settled()
            if through:
                held.remove(actor)
        for connection in self._racers:
            connection.receive()
        self._other.ask(COUNT)
        return Trace(tuple(steps))

    def _settled(self) -> tuple[int, bool]:
        word, actor = self._lines.readline().split()
        return int(actor), word == "END"


@contextmanager
def controlled(*, optimize: bool) -> Iterator[Controller]:
    """Build and start the application; `optimize` it as probed copies are."""
    arguments = profile("stepwise", "stepwise", b"", optimize=True) if optimize else ()
    subprocess.run(["cargo", "build", "--quiet", "--locked", *arguments], cwd=_HOME, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", _HOME / "target"))
    port = free_port()
    with ExitStack() as stack:
        path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "socket"
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(30)
        environment = {
            **os.environ, "STEPWISE_SOCKET": str(path), "ROCKET_PORT": str(port), "ROCKET_LOG_LEVEL": "off",
            "ROCKET_WORKERS": "16",
        }  # fmt: skip
        child = stack.enter_context(subprocess.Popen([target / "debug" / "stepwise"], env=environment))
        stack.callback(child.kill)
        control, _ = listener.accept()
        stack.enter_context(control)
        _await(port)
        yield Controller(control, port)


def rate(controller: Controller, seconds: float) -> float:
    """Give schedules a second: all orders, again and again."""
    schedules, began = 0, time.monotonic()
    while time.monotonic() - began < seconds:
        strategy = Exhaustive(Problem(2))
        while (proposal := strategy.propose()) is not None:
            strategy.observe(controller.run(proposal))
            schedules += 1
    return schedules / (time.monotonic() - began)


def _await(port: int, tries: Sequence[float] = (0.01,) * 500) -> None:
    for pause in tries:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(pause)  # noqa: TID251  # it is about to listen
        else:
            return
    raise RuntimeError("the application does not listen")
