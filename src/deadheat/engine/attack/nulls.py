"""Why seeing nothing may say nothing: the reasons for a null result, each from what was measured.

Owns these reasons and their thresholds. It must not judge outcomes. "No race found" without shown
overlap is *not tested*; each reason comes with what to do about it.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations, pairwise
from statistics import median

from msgspec import Struct

from deadheat.model import Null, Request, Response, Round, Shot

_MOST = 0.9  # the share of answers from which "all" is said
_LEAST_OVERLAP = 0.5
_SERIAL = 0.8  # the share of the time alone by which consecutive answers must be apart
_TELLING = 1.6  # how much longer all must take one by one than the longest alone
_LEAST_WORK = 0.000_5  # seconds: below this, distances between answers are the network's
_LEAST_ROUNDS = 5
_BUSY = 0.5  # cores


class Measured(Struct, frozen=True):
    """What the releases of one scenario showed."""

    rounds: tuple[Round, ...]
    alone: tuple[float, ...] = ()
    sequential: frozenset[int] = frozenset()
    cores: int = 1
    free_cores: float | None = None


def overlap(rounds: Sequence[Round]) -> float:
    """The share of pairs of racers that were out at once: [last byte sent, first byte answered]."""
    met = pairs = 0
    for round_ in rounds:
        spans = [(shot.released, shot.first or shot.last) for shot in round_.shots]
        for (one, one_end), (other, other_end) in combinations(spans, 2):
            pairs += 1
            met += (one_end is None or one_end > other) and (other_end is None or other_end > one)
    return met / pairs if pairs else 0.0


def reasons(measured: Measured) -> tuple[Null, ...]:
    """Everything that makes a null result mean less, the worst first."""
    if not measured.rounds:
        return ()
    shots = [shot for round_ in measured.rounds for shot in round_.shots]
    found = [
        *_answers(shots, measured.sequential),
        *_timing(measured, shots),
        *_one_at_a_time(measured),
        *_processor(measured),
    ]
    return tuple(found)


def conclusive(nulls: Sequence[Null]) -> bool:
    """Whether, these reasons given, the racers met in the application at all."""
    return not any(null.name in _UNTESTED for null in nulls)


_UNTESTED = frozenset(
    {
        "answered-early", "failed", "never-overlapped", "not-found", "one-at-a-time", "refused",
        "unanswered", "unauthorised",
    }
)  # fmt: skip


def _answers(shots: Sequence[Shot], legal: frozenset[int]) -> list[Null]:
    statuses = Counter(shot.response.status for shot in shots if shot.response is not None)
    total = sum(statuses.values())
    found = []
    if not total:
        return [Null("unanswered", "no racer was answered", "raise [attack] deadline, or look at the server")]

    def share(*which: int) -> float:
        return sum(statuses[status] for status in which) / total

    if share(401, 403, 407) >= _MOST:
        found.append(
            Null(
                "unauthorised",
                f"{share(401, 403, 407):.0%} of the racers were answered 401 or 403: the handler never ran",
                "name a `principal` in the scenario, with its login in [principals.NAME]",
            )
        )
    if share(404, 405) >= _MOST:
        found.append(
            Null("not-found", "the racers were answered 404 or 405: there is no such thing to race for",
                 "check the URL, and create what it names in `setup`")
        )  # fmt: skip
    if share(400, 415, 422) >= _MOST:
        found.append(
            Null("refused", "the racers were refused as malformed (400, 415, 422)", "give them a valid body")
        )
    limited = share(429)
    if limited and 429 not in legal:
        found.append(
            Null("rate-limited" if limited < _MOST else "refused",
                 f"{limited:.0%} of the racers met a rate limit (429)",
                 "lower --rate, or race as several principals")
        )  # fmt: skip
    pool = share(503)
    if pool and 503 not in legal:
        found.append(
            Null("pool-exhausted", f"{pool:.0%} of the racers were answered 503: a pool is exhausted",
                 "send fewer at once (-n), or enlarge the pool (ROCKET_DATABASES)")
        )  # fmt: skip
    failed = sum(count for status, count in statuses.items() if status >= 500 and status != 503) / total
    if failed and not any(status >= 500 for status in legal):
        found.append(
            Null("failed" if failed >= _MOST else "some-failed",
                 f"{failed:.0%} of the racers failed with a 5xx that no sequential run gives",
                 "look at the server's log: an abort that rolled back is legal, a crash is not")
        )  # fmt: skip
    return found


def _timing(measured: Measured, shots: Sequence[Shot]) -> list[Null]:
    found = []
    early = sum(shot.early for shot in shots) / len(shots)
    if early >= 0.5:
        found.append(
            Null("answered-early", f"{early:.0%} of the racers were answered before they were whole:"
                 " something in front of the application did", "attack behind the proxy, or try --via h1")
        )  # fmt: skip
    met = overlap(measured.rounds)
    if met < _LEAST_OVERLAP and not found:
        found.append(
            Null("never-overlapped", f"only {met:.0%} of the pairs of racers were out at the same time",
                 "try --via h2, or more racers (-n); a slow client cannot race")
        )  # fmt: skip
    return found


def _one_at_a_time(measured: Measured) -> list[Null]:
    """Racers that were out together but served one after the other.

    Told by how long a round takes: as long as all of them alone, one after the other. Where one racer
    takes nearly all of that by itself (one does the work, the others are turned away) it cannot be told.
    Nor on a busy machine, which looks like a server that takes turns.
    """
    alone = measured.alone
    if measured.free_cores is not None and measured.free_cores < _BUSY:
        return []
    if len(alone) < 2 or min(alone) < _LEAST_WORK or sum(alone) < _TELLING * max(alone):
        return []
    serial = judged = 0
    for round_ in measured.rounds:
        ends = sorted(shot.last for shot in round_.shots if shot.last is not None)
        if len(ends) < len(alone) or any(round_.offsets):
            continue
        gaps = [(after - before) / 1e9 for before, after in pairwise(ends)]
        took = (ends[-1] - min(shot.released for shot in round_.shots)) / 1e9
        judged += 1
        serial += median(gaps) >= _SERIAL * min(alone) and took >= _SERIAL * sum(alone)
    if judged < _LEAST_ROUNDS or serial < _MOST * judged:
        return []
    requests = [shot.request for round_ in measured.rounds[:1] for shot in round_.shots]
    if _one_session(requests):
        return [
            Null("one-at-a-time", "the racers were served one after the other: one worker, or a lock on their"
                 " common session", "race as two principals: sessions are often locked, applications seldom")
        ]  # fmt: skip
    return [
        Null("one-at-a-time", "the racers were served one after the other: the server has one worker",
             "give it more (ROCKET_WORKERS), as in production")
    ]  # fmt: skip


def _one_session(requests: Sequence[Request]) -> bool:
    marks = [
        tuple(value for name, value in request.headers if name.lower() in {"cookie", "authorization"})
        for request in requests
    ]
    return len(set(marks)) == 1 and bool(marks and marks[0])


def _processor(measured: Measured) -> list[Null]:
    if measured.cores < 2:
        return [
            Null("no-free-core", "this machine has one core: windows without an await cannot overlap on it",
                 "attack from another machine, or one with more cores")
        ]  # fmt: skip
    if measured.free_cores is not None and measured.free_cores < _BUSY:
        return [
            Null("no-free-core", f"only {measured.free_cores:.1f} of {measured.cores} cores were free:"
                 " windows without an await seldom overlap then", "attack when the machine is idle")
        ]  # fmt: skip
    return []


def answer_text(response: Response | None) -> str:
    """An answer in one line."""
    return "no answer" if response is None else f"{response.status} {response.text.strip()}".rstrip()
