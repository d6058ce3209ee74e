"""Schedules to the first bug and to the end: ours on real Rocket, the checkers' on the same logic alone."""

from statistics import median

import msgspec

from benchmarks import Figure, emit
from benchmarks._checkers import Shuttle, frontrun, shuttle
from benchmarks._exploring import PROGRAMS, probed, schedules_to
from deadheat.model.config import Explore

SEEDS = 5


def main() -> None:
    """Measure and print."""
    theirs = shuttle()
    figures: list[Figure] = []
    for program, requests in PROGRAMS.items():
        with probed(program) as target:
            seeded = [
                schedules_to(target, requests, msgspec.structs.replace(Explore(), seed=seed), 1)
                for seed in range(SEEDS)
            ]
            every = schedules_to(target, requests, Explore(strategy="source-dpor"), Explore().budget)
        of_shuttle = [each for each in theirs if each.program == program]
        figures += _first(program, median(seeded), of_shuttle)
        figures += [
            Figure(
                f"schedules until every order was seen, {program}",
                "schedules",
                ours=every,
                peer=each.all,
                peer_name=f"shuttle, {each.scheduler}",
                ratio=every / each.all,
            )
            for each in of_shuttle
            if each.all
        ]
    emit(*figures)


def _first(program: str, ours: float, theirs: list[Shuttle]) -> list[Figure]:
    peers = {f"shuttle, {each.scheduler}": each.median for each in theirs}
    peers["frontrun"] = frontrun()[program, "first"] or float("inf")
    return [
        Figure(
            f"schedules to the first bug, {program}",
            "schedules",
            ours=ours,
            peer=count,
            peer_name=name,
            ratio=ours / count,
            goal="no more than the peer's",
            met=ours <= count,
        )
        for name, count in peers.items()
    ]


if __name__ == "__main__":
    main()
