"""A probed application and its start: the process, its control socket, and why it did not come up.

Owns the environment it runs in and the words for a failure. It must not know what is asked of it later.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from deadheat.io.hold import Listener, Runtime
from deadheat.io.process import Process
from deadheat.model import AccessKind, Point, TargetError

_LOOK = 0.2  # seconds between looks at whether the application is still alive


class RestartError(TargetError):
    """The application started before, and does not any more: what requests left behind stops it."""


class Application(Struct, frozen=True):
    """How to start an application that carries probes, and what its probes are.

    `build` identifies the probed source; `paths` gives the name people use for each state id;
    `ready` is how long it may take to listen, `timeout` how long one schedule may take, both
    in seconds.
    """

    name: str
    command: tuple[str, ...]
    cwd: Path
    points: tuple[Point, ...]
    paths: Mapping[str, str]
    build: str
    environment: Mapping[str, str] = {}
    ready: float = 30.0
    timeout: float = 10.0


class Started(NamedTuple):
    """The application, running: the words of its probes and the port it listens on."""

    process: Process
    runtime: Runtime
    port: int


def start(application: Application, listener: Listener, log: Path, *, again: bool) -> Started:
    """Start it, and await that it listens; `again` when it has done so before.

    Raises:
        TargetError: it ended, or did not listen in time; its process is ended.
        RestartError: it ended, and that it did not do before.
    """
    environment = {
        "ROCKET_ADDRESS": "127.0.0.1",
        "ROCKET_PORT": "0",
        "ROCKET_WORKERS": "16",
        # Errors at launch are last words; the lines about each request would cost more than the request.
        "ROCKET_LOG_LEVEL": "off" if again else "critical",
        "ROCKET_CLI_COLORS": "false",
        "RUST_BACKTRACE": "0",  # last words are quoted; a backtrace would push them out
        **application.environment,
        "DEADHEAT_SOCKET": str(listener.path),
    }
    process = Process(application.command, application.cwd, environment, log)
    runtime, waited = None, 0.0
    try:
        while (runtime := listener.accept(_LOOK, application.timeout)) is None:
            waited += _LOOK
            if process.exited is not None or waited >= application.ready:
                raise _failure(application, process, waited, again=again)
        try:
            port = runtime.greet(application.ready)
        except TargetError as error:
            runtime.close()
            raise _failure(application, process, application.ready, again=again) from error
        runtime.points(
            {point.id: (point.resource, point.effect is not AccessKind.READ) for point in application.points}
        )
    except BaseException:
        if runtime is not None:
            runtime.close()
        process.end()
        raise
    return Started(process, runtime, port)


def _failure(application: Application, process: Process, waited: float, *, again: bool) -> TargetError:
    name = application.name
    ended = process.wait_exit()
    words = process.last_words()
    if "in use" in words or "AddrInUse" in words or "socket bind error" in words:
        return TargetError(
            f"{name} could not listen: its port is taken (it does not take its port from"
            f" ROCKET_PORT; free the port, or let Rocket's configuration decide)\n{words}"
        )
    if ended is not None and again:
        return RestartError(
            f"{name} started once, but not again after the requests it had answered ({ended}): what they"
            " left behind, in files or a database, stops it. Remove that, and declare scenarios with a"
            f" `reset` that does\n{words}"
        )
    if ended is not None:
        return TargetError(
            f"{name} ended before it listened ({ended}); set what it needs under [app.env] in"
            f" deadheat.toml\n{words}"
        )
    return TargetError(
        f"{name} did not launch a Rocket server within {waited:.0f} s; raise `ready` under"
        f" [app] in deadheat.toml if it needs longer\n{words}"
    )
