"""How tightly requests start in their handlers, and how often they hit, beside the tools people use.

Twenty requests a round on the same Rocket route, in one run, interleaved: a few rounds of each tool in
turn, so that a busy moment of the machine is everybody's. Spread is the time from the first to the
last arrival in the handler; a hit is a coupon for one that is paid more than once.
"""

import itertools
from collections.abc import Sequence
from contextlib import ExitStack
from statistics import median, quantiles

from benchmarks import Figure, emit
from benchmarks import _relay as relay
from benchmarks._racing import Ask, Worker, ours, peers, worker
from benchmarks._spread import spread

RACERS = 20
BLOCKS = 10
ROUNDS = 4
MORE = 5  # times as many rounds of ours: one of theirs takes a hundred times as long
WARM_ROUNDS = 200
WARM_BURSTS = 5
H1_PEERS = ("http.client behind a barrier", "threads that hold a byte", "plain threads", "httpx threads")
H2_PEERS = ("h2spacex", "h2spacex with PING")
MINE = ("h1", "h2")
_fresh = itertools.count(1)


class Seen:
    """What one tool achieved."""

    def __init__(self) -> None:
        self.spreads: list[float] = []  # µs
        self.hits = 0
        self.rounds = 0

    @property
    def spread(self) -> float:
        return median(self.spreads)

    @property
    def ninth(self) -> float:
        return quantiles(self.spreads, n=10)[8]

    @property
    def rate(self) -> float:
        return self.hits / self.rounds


def measure(tools: dict[str, Worker], blocks: int = BLOCKS, hits: bool = True) -> dict[str, Seen]:
    """Let every tool race in turn."""
    seen = {name: Seen() for name in tools}
    for name, tool in tools.items():
        tool.race(Ask(name, ("/arrive",), RACERS))  # caches and pools are cold once
    for _ in range(blocks):
        for name, tool in tools.items():
            rounds = ROUNDS * (MORE if name in MINE else 1)
            for bodies in tool.race(Ask(name, ("/arrive",) * rounds, RACERS)).rounds:
                if all(bodies):
                    times = [int(body) for body in bodies]
                    seen[name].spreads.append((max(times) - min(times)) / 1e3)
            paths = tuple(f"/redeem/{next(_fresh)}" for _ in range(rounds)) if hits else ()
            for bodies in tool.race(Ask(name, paths, RACERS)).rounds if hits else ():
                seen[name].rounds += 1
                seen[name].hits += sum(body == "paid" for body in bodies) > 1
    return seen


def side_by_side(tls: bool, blocks: int = BLOCKS) -> list[Figure]:
    """Every tool on one server; a row for each peer, the goal on the best one's."""
    with ExitStack() as stack:
        target = stack.enter_context(spread(tls))
        mine = stack.enter_context(worker(ours(), "_ours.py", target))
        theirs = stack.enter_context(worker(peers(), "_peers.py", target))
        tools = dict.fromkeys(MINE, mine) | dict.fromkeys((*H1_PEERS, *H2_PEERS), theirs)
        seen = measure(tools, blocks)
        figures = compare(seen, "h1", H1_PEERS, "HTTP/1.1" + " over TLS" * tls, strictly=True)
        figures += compare(seen, "h2", H2_PEERS, "HTTP/2" + " over TLS" * tls, strictly=tls)
        if not tls:
            ask = Ask("h2", ("/arrive",) * WARM_ROUNDS, RACERS)
            rate = median(WARM_ROUNDS / mine.race(ask).seconds for _ in range(WARM_BURSTS))
            figures.append(
                Figure(
                    f"release rounds of {RACERS} over one warm HTTP/2 connection",
                    "rounds/s",
                    rate,
                    goal="at least 150 a second",
                    met=rate >= 150,
                )
            )
    return figures


def compare(
    seen: dict[str, Seen], name: str, rivals: Sequence[str], over: str, *, strictly: bool
) -> list[Figure]:
    """Rows of spreads and hit rates."""
    own = seen[name]
    best = min(rivals, key=lambda rival: seen[rival].spread)
    figures = []
    for rival in rivals:
        goal = ("less than" if strictly else "not more than") + " the best peer's" if rival == best else ""
        won = own.spread < seen[rival].spread or (not strictly and own.spread <= seen[rival].spread)
        figures.append(
            Figure(
                f"spread at the handler, {RACERS} requests, {over}",
                f"µs (p90 {own.ninth:,.0f})",
                own.spread,
                peer=seen[rival].spread,
                peer_name=f"{rival}, p90 {seen[rival].ninth:,.0f}",
                ratio=own.spread / seen[rival].spread,
                goal=goal,
                met=won if goal else None,
            )
        )
    figures += [
        Figure(
            f"rounds that hit, check–yield–act, {over}",
            f"of 1 ({own.hits} of {own.rounds})",
            own.rate,
            peer=seen[rival].rate,
            peer_name=f"{rival}, {seen[rival].hits} of {seen[rival].rounds}",
            ratio=own.rate / seen[rival].rate if seen[rival].hits else None,
        )
        for rival in rivals
    ]
    return figures


def delayed() -> list[Figure]:
    """Ours and h2spacex through 20 ± 5 ms each way."""
    name = f"spread at the handler, {RACERS} requests, HTTP/2, 20 ± 5 ms in the path"
    goal = "under 600 µs"
    if not relay.available():
        return [Figure(f"{name}: not measured, needs root and TUN devices", "µs", 0.0, goal=goal)]
    with ExitStack() as stack:
        client, server = stack.enter_context(relay.relayed(0.020, 0.005))
        target = stack.enter_context(spread(host=relay.SERVER, prefix=server))
        mine = stack.enter_context(worker(ours(), "_ours.py", target, client))
        theirs = stack.enter_context(worker(peers(), "_peers.py", target, client))
        tools = dict.fromkeys(MINE, mine) | dict.fromkeys((H1_PEERS[1], H2_PEERS[0], H2_PEERS[1]), theirs)
        seen = measure(tools, hits=False)
    own = seen["h2"]
    rows = [
        Figure(
            name, "µs", own.spread, peer=seen[rival].spread, peer_name=rival,
            ratio=own.spread / seen[rival].spread,
            goal=goal if rival == H2_PEERS[0] else "", met=own.spread < 600 if rival == H2_PEERS[0] else None,
        )
        for rival in H2_PEERS
    ]  # fmt: skip
    rows.append(
        Figure(
            name.replace("HTTP/2", "HTTP/1.1"), "µs", seen["h1"].spread, peer=seen[H1_PEERS[1]].spread,
            peer_name=H1_PEERS[1], ratio=seen["h1"].spread / seen[H1_PEERS[1]].spread,
        )
    )  # fmt: skip
    return rows


def main() -> None:
    """Measure and print."""
    emit(*side_by_side(tls=False), *side_by_side(tls=True), *delayed())


if __name__ == "__main__":
    main()
