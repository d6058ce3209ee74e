"""What the requests give one after the other: the outcomes that a concurrent one is compared with.

Owns the sequential runs of one scenario: which orders, what is unstable in them, how the initial state is
brought back, and which requests are interchangeable. It must not know of concurrent runs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from deadheat.engine.executor import Executor
from deadheat.model import Outcome, Reset, Scenario, SerialOutcome
from deadheat.oracle import Canon, Observation, aborted, serial_orders
from deadheat.schedule import renaming, representatives, twins_of

_DOUBTS = 14  # more sequential runs, in all, before a first violation among unstable outcomes is believed

Order = tuple[int, ...]


_OUTLIVES = (
    "; if it depends on what outlives the process (rows, files), say in a [[scenario]] of deadheat.toml which"
    ' requests bring the first state back: reset = ["POST /…"]'
)


class Unexplorable(Exception):  # noqa: N818 - the reason is the message
    """This scenario cannot be explored; the message says why."""


@dataclass
class Baseline:
    """The sequential runs of `scenario`; `run` makes them, the rest reads them.

    `twins` are the racers that send what an earlier one sends (`schedule.symmetry`): only orders in which
    they come in the order of their numbers are run, and the others are these with names exchanged.
    `stuck_after` is a sequential order whose last racer waits for itself, empty when all orders end.
    """

    target: Executor
    scenario: Scenario
    serial: list[SerialOutcome] = field(default_factory=list)
    twins: dict[int, int] = field(default_factory=dict)
    how: Reset = Reset.RESTART
    canon: Canon = field(default_factory=Canon)
    stuck_after: Order = ()
    _runs: dict[Order, list[Observation]] = field(default_factory=dict)
    _doubted: bool = False

    def __post_init__(self) -> None:
        """Unpack what is used everywhere."""
        self._requests = tuple(racer.request for racer in self.scenario.racers)

    @property
    def controls(self) -> int:
        """How many sequential runs there were."""
        return sum(map(len, self._runs.values()))

    def run(self, known: Reset | None = None) -> None:
        """Run every sequential order; learn what is unstable, and how to start over unless that is `known`.

        Raises:
            Unexplorable: a sequential order does not end, or nothing stable is left to compare.
        """
        self.target.prepare(self.scenario.preparations)
        self.twins = twins_of(self._requests)
        head, *rest = representatives(len(self._requests), self.twins)
        first = self._in_order(head) if known else self._fresh(head)
        self.how = known or self._choose_reset()
        again = [self._in_order(head) for _ in range(2)]
        if known is None and self.how is not Reset.RESTART and any(o != first for o in again):
            self._distrust_reset(head, first)
        self._runs = {head: [first, *again]}
        self._run_twice(rest)
        self._learn()
        if self.twins and not self._interchangeable(head):
            self.twins = {}
            self._run_twice(o for o in serial_orders(len(self._requests)) if o not in self._runs)
            self._learn()

    def doubt(self) -> bool:
        """Before a first violation is believed where something is unstable: learn from more runs.

        Two entries under made-up keys may have come in one order in the few runs there were.
        """
        if self._doubted or not self.canon.unstable:
            return False
        self._doubted = True
        for order, observations in self._runs.items():
            observations += [self._in_order(order) for _ in range(max(2, _DOUBTS // len(self._runs)))]
        self._learn()
        return True

    def again(self) -> None:
        """Run one order again, to see that the application still answers.

        Raises:
            TargetError: it does not.
        """
        self._in_order(tuple(range(len(self._requests))))

    def complete(self, outcome: Outcome) -> None:
        """A state first met in some concurrent order had its initial value in every serial one."""
        names = {name for serial in self.serial for name, _ in serial.outcome.state}
        late = {name: self.target.initial[name] for name, _ in outcome.state if name not in names}
        if not late:
            return
        self.serial = [
            SerialOutcome(
                serial.order,
                Outcome(
                    serial.outcome.responses,
                    tuple(sorted({**dict(serial.outcome.state), **late}.items())),
                ),
            )
            for serial in self.serial
        ]

    def is_abort(self, outcome: Outcome) -> bool:
        """Whether server errors explain it: the others alone give the rest, so they rolled back."""
        failed = set(aborted(outcome))
        if not failed or any(set(aborted(serial.outcome)) & failed for serial in self.serial):
            return False
        rest = [actor for actor in range(len(self._requests)) if actor not in failed]
        for order in serial_orders(len(rest)):
            self.target.reset(self.how, self.scenario.reset_requests)
            alone = self.target.sequential(
                self._requests, [rest[index] for index in order], self.scenario.probes
            )
            expected = self.canon.outcome(alone.observation)
            if expected.state == outcome.state and all(
                expected.responses[actor] == outcome.responses[actor] for actor in rest
            ):
                return True
        return False

    # ------------------------------------------------------------------ runs

    def _run_twice(self, orders: Iterable[Order]) -> None:
        for order in orders:
            self._runs[order] = [self._in_order(order) for _ in range(2)]

    def _fresh(self, order: Order) -> Observation:
        self.target.restart()
        return self._in_order(order)

    def _in_order(self, order: Order) -> Observation:
        self.target.reset(self.how, self.scenario.reset_requests)
        observed = self.target.sequential(self._requests, order, self.scenario.probes)
        if observed.observation.responses.count(None):
            self.target.abandon()
            if observed.stuck:
                self.stuck_after = order[: order.index(observed.stuck[0]) + 1]
            who = ", ".join(str(self._requests[actor]) for actor in observed.stuck) or "a request"
            raise Unexplorable(f"{who} never answers even when the requests run one after the other")
        return observed.observation

    def _choose_reset(self) -> Reset:
        if self.scenario.reset_requests:
            return Reset.REQUESTS
        if self.scenario.reset is Reset.SNAPSHOT and self.target.restorable:
            return Reset.SNAPSHOT
        return Reset.RESTART

    def _distrust_reset(self, order: Order, first: Observation) -> None:
        """A run after a reset differed from the first: is it the reset, or the application?"""
        if self._fresh(order) != first:
            return  # restarts differ too: it is the application, and masking learns it
        if self.how is Reset.REQUESTS and self.scenario.reset is Reset.REQUESTS:
            raise Unexplorable(
                "the declared reset does not bring the initial state back: the same sequential"
                " order gives another result after it"
            )
        self.how = Reset.RESTART

    # ---------------------------------------------------------------- learn

    def _learn(self) -> None:
        for observations in self._runs.values():
            self.canon.learn(observations)
            for parts in self._rotations():
                # What is unstable in one twin's answer is so in the other's, who may come first next time.
                self.canon.learn([_renamed(seen, parts) for seen in observations])
        if not self.canon.stable:
            kept = "" if self.how is Reset.REQUESTS else _OUTLIVES
            raise Unexplorable(f"an answer differs wholly between identical sequential runs{kept}")
        self.serial = [
            SerialOutcome(order, self._expected(order)) for order in serial_orders(len(self._requests))
        ]

    def _expected(self, order: Order) -> Outcome:
        parts = renaming(order, self.twins)
        seen = self._runs[tuple(parts[actor] for actor in order)][0]
        return self.canon.outcome(_renamed(seen, parts))

    def _rotations(self) -> list[Order]:
        """Renamings under which every twin plays every other's part once."""
        actors = range(len(self._requests))
        classes = [
            [other for other in actors if self._requests[other] == self._requests[actor]]
            for actor in actors
            if actor not in self.twins
        ]
        if not self.twins:
            return []
        result = []
        for turn in range(1, max(map(len, classes))):
            parts = list(actors)
            for members in classes:
                for place, actor in enumerate(members):
                    parts[actor] = members[(place + turn) % len(members)]
            result.append(tuple(parts))
        return result

    def _interchangeable(self, order: Order) -> bool:
        """Whether an order with all twins in reverse gives what exchanging their names says."""
        reverse = order[::-1]
        seen = self._in_order(reverse)
        same = self.canon.outcome(seen) == self._expected(reverse)
        if same:
            self._runs[reverse] = [seen]
        return same


def _renamed(seen: Observation, parts: Sequence[int]) -> Observation:
    """What would have been seen if each actor had been the one whose part it plays."""
    return Observation(tuple(seen.responses[part] for part in parts), seen.state)
