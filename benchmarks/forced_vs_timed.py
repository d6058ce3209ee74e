"""A lost update that timing does not reach and a schedule forces: `counter`, side by side.

The same atomic load and store, once under 5,000 plain pairs of concurrent requests, once under
the schedule that loses an update.
"""

from benchmarks import Figure, emit
from benchmarks._hunting import hunt
from benchmarks._server import plain
from deadheat.io.http import Connection
from deadheat.model import Proof, Request

PAIRS = 5_000


def lost_in_plain_pairs(pairs: int) -> int:
    """Send pairs of increments, last-byte synchronised over two warm connections; count what is lost."""
    increment = Request("GET", "/increment")
    with plain("counter") as port, Connection(port) as one, Connection(port) as other:
        for _ in range(pairs):
            one.prepare(increment, plan="last-byte")
            other.prepare(increment, plan="last-byte")
            one.release()
            other.release()
            one.receive()
            other.receive()
        return 2 * pairs - int(one.ask(Request("GET", "/count")).text)


def main() -> None:
    """Measure both and print the figures."""
    lost = lost_in_plain_pairs(PAIRS)
    run = hunt("counter").run
    proof = next(f.evidence for f in run.findings if f.proof is Proof.FORCED and f.evidence)
    trials = proof.trials
    emit(
        Figure(
            "updates lost, share of trials, forced beside timed",
            "of 1",
            ours=trials.violated / trials.total,
            peer=lost / PAIRS,
            peer_name=f"{PAIRS:,} plain concurrent pairs lost {lost}",
            goal="forced 50 of 50, while plain pairs lose next to nothing (at most 5)",
            met=trials.violated == trials.total >= 50 and lost <= 5,
        )
    )


if __name__ == "__main__":
    main()
