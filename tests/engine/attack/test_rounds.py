"""Rounds over a real socket: fresh racers each, judged, aimed where they differ."""

from deadheat.engine.attack.aim import Aim
from deadheat.engine.attack.rounds import groups_of, latencies, race
from deadheat.io.release import Releaser
from deadheat.model import Origin, Request, Round, Version
from deadheat.wire import PLANS
from tests.io.servers import polite, serving


def test_racers_of_one_route_are_one_group() -> None:
    racers = [
        Request("POST", "/order/17?x=1"), Request("POST", "/order/18"), Request("GET", "/order/18"),
        Request("POST", "/orders"),
    ]  # fmt: skip
    assert groups_of(racers) == (0, 0, 1, 2)


def test_rounds_are_fresh_judged_and_told_to_the_aim() -> None:
    asked: list[int] = []

    def racers(number: int) -> list[Request]:
        asked.append(number)
        return [Request("GET", f"/slow/{number}"), Request("GET", f"/fast/{number}")]

    def judge(number: int, taken: Round) -> bool | None:
        assert [shot.request.target for shot in taken.shots] == [f"/slow/{number}", f"/fast/{number}"]
        return None if number % 2 else True

    with serving(polite) as port, Releaser(Origin("http", "127.0.0.1", port), Version.H1) as releaser:
        alone = latencies(releaser, racers, times=3)
        assert len(alone) == 2
        assert all(each > 0 for each in alone)
        assert asked == [0, *range(8)]
        aim = Aim(alone, groups=(0, 1))
        raced = list(race(releaser, racers, PLANS["last-byte"], judge, rounds=6, aim=aim, first=8))
    assert [each.number for each in raced] == [8, 9, 10, 11, 12, 13]
    assert sum(tally.trials for tally in aim.tallies) == 3
    assert all(len(each.round.offsets) == 2 for each in raced)
