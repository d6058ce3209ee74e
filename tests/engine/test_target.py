"""The way back to the first state, on the embedded twin."""

import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from deadheat.engine.application import Application, RestartError
from deadheat.engine.target import Target
from deadheat.io.resources import resource
from deadheat.io.store import Store
from deadheat.model import Point, Request, Reset, TargetError
from deadheat.schedule import End, Proposal

TRANSFERS = (Request("POST", "/to-savings"), Request("POST", "/to-checking"))


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Target]:
    home = resource("lab", "embedded")
    points = msgspec.json.decode((home / "points.json").read_bytes(), type=dict[str, tuple[Point, ...]])
    command = (sys.executable, "-m", "deadheat_embedded", "deadlock")
    application = Application("deadlock", command, home, points["deadlock"], {}, "")
    with Target(application, Store(tmp_path)) as target:
        target.prepare(())
        target.restart()
        yield target


def test_each_run_begins_from_the_first_state(bank: Target) -> None:
    def run() -> list[str]:
        bank.reset(Reset.SNAPSHOT)
        answers = bank.concurrent(TRANSFERS, Proposal((0, 0))).observation.responses
        return [answer.text for answer in answers if answer]

    assert run() == run()
    assert bank.starts == 1


def test_a_state_that_cannot_be_brought_back_costs_a_start(bank: Target) -> None:
    expected = bank.sequential(TRANSFERS, (0,)).observation.responses[0]
    bank.reset(Reset.SNAPSHOT)
    stuck = bank.concurrent(TRANSFERS, Proposal((0, 1)))
    assert stuck.execution.trace.end is End.STUCK
    bank.reset(Reset.SNAPSHOT)  # two locks are held for good
    again = bank.sequential(TRANSFERS, (0,)).observation.responses
    assert [answer and answer.text for answer in again] == [expected and expected.text, None]
    assert bank.starts == 2


def test_an_application_that_starts_only_once_is_told_from_one_that_never_does(tmp_path: Path) -> None:
    home, left = resource("lab", "embedded"), tmp_path / "left"
    once = f"test -e {left} && echo the seat is taken && exit 3; touch {left}; exec {sys.executable}"
    command = ("/bin/sh", "-c", f"{once} -m deadheat_embedded deadlock")
    with Target(Application("show", command, home, (), {}, ""), Store(tmp_path)) as target:
        left.touch()
        for _ in range(2):
            with pytest.raises(TargetError, match=r"ended before it listened .*\n.*seat is taken") as never:
                target.restart()
            assert not isinstance(never.value, RestartError)
        left.unlink()
        target.restart()
        with pytest.raises(RestartError, match=r"started once, but not again .*left behind"):
            target.restart()
