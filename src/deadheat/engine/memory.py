"""What an exploration has learned, kept so that it can be gone on with.

Owns what is recorded and what has to be the same for it to mean the same. It must not know how orders are
chosen: a search is a function of what it has observed (`schedule`), so its observations are all it takes.
They are given to it again, in their order, instead of being made again: the search is then where it was,
whatever strategies it has, and no order is run or counted twice. That is a log of events from which the
state is made anew (Elnozahy, Alvisi, Wang, Johnson, *A survey of rollback-recovery protocols in
message-passing systems*, ACM Computing Surveys 34(3), 2002, section 4: log-based recovery).

It is written every few seconds and when the exploration ends. What was learned after the last time and lost
with the process is learned again.
"""

import hashlib
import time
import zlib
from collections.abc import Iterator, Mapping

import msgspec
from msgspec import Struct

from deadheat import __version__
from deadheat.engine.candidate import Candidate
from deadheat.io.journal import Journal
from deadheat.model import DeadheatError
from deadheat.schedule import Trace

_EVERY = 2.0  # seconds


class Entry(Struct, frozen=True, array_like=True):
    """One execution: which lane of the portfolio proposed it, its trace, whether it violates.

    Without a trace the application ended in that order every time it was tried.
    """

    lane: int
    trace: Trace | None
    violating: bool = False


class _Chunk(Struct, frozen=True, array_like=True):
    """What was learned since the last one; of all but the entries the latest counts."""

    entries: list[msgspec.Raw]
    same: Mapping[str, str]
    best: Mapping[str, Candidate]
    unknown: str
    seconds: float
    numbers: bytes
    budgets: tuple[int, ...]


class Memory:
    """The memory of one exploration; `again` is the command that goes on with it.

    `unknown` is why what was seen proves nothing, `seconds` how long it took, `numbers` what the executor
    remembers, `budgets` how many schedules were allowed, each time it was asked to go on.
    """

    def __init__(self, journal: Journal, number: int, again: str, budget: int, asked: bytes) -> None:
        """Begin a new one; `asked` says in the caller's words what is explored.

        Raises:
            OSError: it cannot be written.
        """
        self.number = number
        self.again = again
        self.unknown = ""
        self.seconds = 0.0
        self.numbers = b""
        self.budgets: tuple[int, ...] = (budget,)
        self.best: dict[str, Candidate] = {}
        self.failed = ""
        """Why it is kept no longer, empty while it is."""
        self.recalled = 0
        """How many executions were there already."""
        self._journal = journal
        self._same: dict[str, str] = {}
        # Encoded at once: thousands of traces kept as they are would be looked through by every collection.
        self._known: list[msgspec.Raw] = []
        self._fresh: list[msgspec.Raw] = []
        self._better: dict[str, Candidate] = {}
        self._kept_at = time.monotonic()
        if asked:
            journal.append(asked)
            self.same("Deadheat itself", __version__)
            self.keep("", 0.0, b"")

    @classmethod
    def resumed(cls, journal: Journal, number: int, again: str, budget: int | None) -> tuple["Memory", bytes]:
        """Take up what was recorded; give, too, what had been `asked`. `budget` is the new one, if any.

        Raises:
            DeadheatError: there is nothing to go on with.
        """
        records = journal.records()
        if not records:
            raise DeadheatError(f"run {number} ended before it had learned anything: explore anew")
        memory = cls(journal, number, again, 0, b"")
        try:
            chunks = [msgspec.msgpack.decode(zlib.decompress(record), type=_Chunk) for record in records[1:]]
        except (msgspec.DecodeError, zlib.error) as error:
            raise memory._unlike("what another Deadheat wrote cannot be read by this one") from error
        for chunk in chunks:
            memory._known += chunk.entries
            memory._same |= chunk.same
            memory.best |= chunk.best
            memory.unknown, memory.seconds = chunk.unknown, chunk.seconds
            memory.numbers, memory.budgets = chunk.numbers, chunk.budgets
        memory.recalled = len(memory._known)
        memory.same("Deadheat itself", __version__)
        if budget is not None and memory.budgets and budget != memory.budgets[-1]:
            if budget < memory.budgets[-1]:
                raise DeadheatError(
                    f"run {number} has a budget of {memory.budgets[-1]} schedules: --budget can only raise it"
                )
            memory.budgets = (*memory.budgets, budget)
        return memory, records[0]

    def same(self, what: str, value: object) -> None:
        """See that `value` is what it was when the exploration began.

        Raises:
            DeadheatError: it is not.
        """
        encoded = msgspec.msgpack.encode(value, order="deterministic")
        digest = hashlib.sha256(encoded).hexdigest()[:16]
        if self._same.setdefault(what, digest) != digest:
            raise self._unlike(f"{what} changed since")

    def entries(self) -> Iterator[Entry]:
        """Give what was recorded, once."""
        known, self._known = self._known, []
        for encoded in known:
            try:
                yield msgspec.msgpack.decode(encoded, type=Entry)
            except msgspec.DecodeError as error:
                raise self.unlike() from error

    def unlike(self) -> DeadheatError:
        """Give the error for a search that does not go where it went."""
        return self._unlike("this Deadheat searches in another order")

    def note(self, entry: Entry) -> None:
        """Record an execution."""
        if not self.failed:
            self._fresh.append(msgspec.Raw(msgspec.msgpack.encode(entry)))

    def prefer(self, name: str, candidate: Candidate) -> None:
        """Record the best witness of a finding."""
        self._better[name] = candidate

    @property
    def due(self) -> bool:
        """Whether it is time to write."""
        return not self.failed and time.monotonic() - self._kept_at > _EVERY

    def keep(self, unknown: str, seconds: float, numbers: bytes) -> None:
        """Write what was learned; where that fails, the exploration goes on all the same."""
        if self.failed:
            return
        chunk = _Chunk(self._fresh, self._same, self._better, unknown, seconds, numbers, self.budgets)
        try:
            self._journal.append(zlib.compress(msgspec.msgpack.encode(chunk), 1))
        except OSError as error:
            self.failed = f"{self._journal.path}: {error.strerror}"
        self._fresh, self._better = [], {}
        self._kept_at = time.monotonic()

    def end(self, *, further: bool) -> None:
        """Let go of it; what cannot be gone on with is removed."""
        if further:
            self._journal.close()
        else:
            self._journal.discard()

    def _unlike(self, why: str) -> DeadheatError:
        return DeadheatError(f"run {self.number} cannot be gone on with: {why}; explore anew")
