"""Deadheat's part of `release`: races over one version of HTTP, with the plan it chooses itself."""

import sys
import time
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks._racing import Ask, Told
from deadheat.io.allow import Allow
from deadheat.io.facts import probe
from deadheat.io.release import Releaser
from deadheat.model import Origin, Request, Version
from deadheat.wire import choose


def main(scheme: str, host: str, port: str, ca: str) -> None:
    """Answer one line with one line until there is none."""
    origin = Origin(scheme, host, int(port), ca=ca or None)
    allow = Allow([host])
    facts = probe(origin, allow)
    releasers = {version: Releaser(origin, version, allow) for version in Version}
    for line in sys.stdin:
        ask = msgspec.json.decode(line, type=Ask)
        version = Version(ask.method)
        releaser = releasers[version]
        choice = choose(
            msgspec.structs.replace(facts, versions=(version,)),
            [Request("GET", ask.paths[0])] * ask.racers,
            origin,
        )
        releaser.warm(ask.racers)
        began = time.monotonic()
        rounds = [releaser.round([Request("GET", path)] * ask.racers, choice.plan) for path in ask.paths]
        seconds = time.monotonic() - began
        bodies = tuple(
            tuple(shot.response.text if shot.response else "" for shot in each.shots) for each in rounds
        )
        print(msgspec.json.encode(Told(bodies, seconds, f"{choice}: {choice.because}")).decode(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
