"""What came of a timed attack: what was sent, what overlapped, how it was judged.

Owns these values. It must not know how a request is released or an outcome judged.
"""

from msgspec import Struct

from deadheat.model.finding import Interval


class Null(Struct, frozen=True):
    """Why seeing nothing says little: a name for programs, the words, and what to do about it."""

    name: str
    words: str
    mend: str = ""


class Group(Struct, frozen=True):
    """Answers that are the same but for what is volatile; `odd` marks those no sequential run gave."""

    text: str
    count: int
    odd: bool = False
    diff: tuple[str, ...] = ()


class Attack(Struct, frozen=True):
    """One scenario attacked: what was sent, what overlapped, what was seen.

    `racers` are the requests as lines; `rounds` the releases judged, `violating` those that no
    sequential order or an invariant explains; `forced` of `holds` two-step holds violated.
    `overlap` is the share of pairs that were out at the same time, `spread` the median seconds
    from first to last write of what was released at once; `free_cores` are those of this machine, and
    only known for a server that runs here. `ruled_out` is the rate that so many clean rounds exclude at 95 %.
    `verdict` is `violation`, `logic` (seen sequentially), `none-seen`, or `unknown`.
    """

    scenario: str
    target: str
    racers: tuple[str, ...]
    rounds: int = 0
    violating: int = 0
    interval: Interval | None = None
    holds: int = 0
    forced: int = 0
    requests: int = 0
    seconds: float = 0.0
    plan: str = ""
    because: str = ""
    spread: float = 0.0
    overlap: float = 0.0
    in_flight: int = 0
    offsets: tuple[float, ...] = ()
    controls: int = 0
    orders: int = 0
    oracles: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    indeterminate: int = 0
    refused: int = 0
    nulls: tuple[Null, ...] = ()
    groups: tuple[Group, ...] = ()
    mutations: tuple[tuple[str, int, int], ...] = ()
    cores: int = 0
    free_cores: float | None = None
    ruled_out: float | None = None
    stopped: str = ""
    verdict: str = "unknown"

    @property
    def likelihood(self) -> str:
        """How likely a round violates, in one word."""
        if self.forced:
            return "certain"
        share = self.violating / self.rounds if self.rounds else 0.0
        for least, word in ((0.5, "nearly always"), (0.1, "often"), (0.01, "sometimes")):
            if share >= least:
                return word
        return "rarely" if self.violating else "not seen"
