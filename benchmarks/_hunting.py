"""A hunt in this process, with what its events tell about time."""

import time
from pathlib import Path

from msgspec import Struct

from benchmarks._server import LAB
from deadheat.engine.events import Event, Exploring
from deadheat.engine.hunt import Hunt
from deadheat.engine.rocket import RocketSubject
from deadheat.io import config
from deadheat.io.store import Store
from deadheat.model import Run


class Timed(Struct, frozen=True):
    """A run, and the seconds until its first exploration began."""

    run: Run
    until_exploring: float


def hunt(application: str, lab: Path = LAB) -> Timed:
    """Hunt in an application of the lab."""
    path = lab / application
    began = time.monotonic()
    first: list[float] = []

    def listen(event: Event) -> None:
        if isinstance(event, Exploring) and not first:
            first.append(time.monotonic() - began)

    settings = config.load(path)
    subject = RocketSubject.open(path, settings)
    job = Hunt(subject, settings, Store(subject.workspace), listen)
    job.run()
    return Timed(job.result(), first[0] if first else float("nan"))
