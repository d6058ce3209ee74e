"""One scenario's exploration, on a target that answers as told."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import cast

import msgspec

from deadheat.engine import replay as replaying
from deadheat.engine.application import Application
from deadheat.engine.events import Explored
from deadheat.engine.executor import Executor
from deadheat.engine.explore import Search
from deadheat.engine.link import UNLINKED, Linker
from deadheat.engine.reviewed import Reviewed
from deadheat.engine.target import Observed, Target
from deadheat.io.hold import Execution, ProbedStep
from deadheat.io.resources import resource
from deadheat.io.store import SavedSchedule, Store
from deadheat.model import (
    AccessKind,
    Exploration,
    Outcome,
    Point,
    Preparation,
    Racer,
    Request,
    Response,
    Scenario,
    Schedule,
    Span,
    TargetError,
    Violation,
)
from deadheat.model.config import Explore
from deadheat.oracle import Observation
from deadheat.schedule import End, Op, Proposal, Trace, TraceStep

PAIR = Scenario("create ×2", (Racer(Request("POST", "/a"), "a"), Racer(Request("POST", "/b"), "b")))


class MadeUpKeys:
    """Two entries under random keys: which of them is listed first is chance, and says nothing."""

    restorable = True
    initial: dict[str, str] = {}  # noqa: RUF012 - never written

    def __init__(self, *, flips_after: int) -> None:
        self.runs = 0
        self.flips_after = flips_after

    def prepare(self, setup: object) -> None: ...
    def restart(self) -> None: ...
    def reset(self, how: object, requests: object = ()) -> None: ...
    def abandon(self) -> None: ...

    def sequential(self, requests: object, order: object, probes: object = ()) -> Observed:
        return self._seen(flipped=self.runs > self.flips_after and self.runs % 2 == 0)

    def concurrent(
        self, requests: object, proposal: Proposal, probes: object = (), ahead: object = ()
    ) -> Observed:
        return self._seen(flipped=True)

    def _seen(self, *, flipped: bool) -> Observed:
        self.runs += 1
        keys = [f"k{self.runs}a", f"k{self.runs}b"]
        listed = ", ".join(reversed(keys) if flipped else keys)
        answers = tuple(Response(200, (), key.encode()) for key in keys)
        return Observed(
            Observation(answers, (("Db", listed),)), (Execution(Trace((), End.DONE, ()), (), ()),)
        )


def test_a_first_violation_among_unstable_outcomes_is_doubted() -> None:
    target = MadeUpKeys(flips_after=5)  # the few runs of the baseline all list them in one order
    search = Search(cast("Target", target), PAIR, Explore(), lambda *_: ())
    search.baseline()
    _, violation = search.replay(())
    assert violation is None
    assert search.controls > 5, "more sequential runs were made before it was believed"


def test_what_more_runs_do_not_explain_stays_a_violation() -> None:
    target = MadeUpKeys(flips_after=1_000)
    search = Search(cast("Target", target), PAIR, Explore(), lambda *_: ())
    search.baseline()
    assert search.replay(())[1] is not None


def test_a_state_that_the_probes_may_not_keep_is_not_taken_for_restored(tmp_path: Path) -> None:
    points = tuple(
        Point(number, f"f#{number}[0]", Span("m.rs", 1, 0, 1, 1), "s", effect)
        for number, effect in ((1, AccessKind.WRITE), (2, AccessKind.READ))
    )
    target = Target(Application("a", (), tmp_path, points, {}, ""), Store(tmp_path))
    kept, passing, read = (
        ProbedStep(0, 1, 7, None, None),
        ProbedStep(0, 1, 0, None, None),
        ProbedStep(0, 2, 0, None, None),
    )
    assert [target.is_unkept(step) for step in (kept, passing, read)] == [False, True, False]


def test_a_finding_in_a_fairing_is_proved_by_any_request() -> None:
    reviewed = Reviewed.of(resource("lab", "rocket", "counter"))
    finding = msgspec.structs.replace(next(f for f in reviewed.findings if f.window), handlers=())
    assert finding.window is not None
    points = {
        number: Point(number, f"f#{number}[0]", access.span, access.state, access.kind)
        for number, access in ((1, finding.window.check), (2, finding.window.act))
    }
    steps = tuple(
        ProbedStep(actor, point, 1, before, after)
        for actor, point, before, after in
        ((0, 1, "0", "0"), (1, 1, "0", "0"), (1, 2, "0", "1"), (0, 2, "1", "1"))
    )  # fmt: skip
    observed = Observed(Observation(()), (Execution(Trace((), End.DONE, ()), steps, ()),))
    linker = Linker((finding,), points, PAIR)
    assert linker.proved(observed, Violation("", Outcome(()))) == (finding.fingerprint,)
    assert linker.proved(Observed(Observation(()), (Execution(Trace((), End.DONE, ()), (), ()),)),
                         Violation("", Outcome(()))) == (UNLINKED,)  # fmt: skip


def test_a_request_that_waits_for_itself_is_replayed_after_its_set_up() -> None:
    prepared: list[object] = []

    class Recording(MadeUpKeys):
        def __init__(self, *_: object) -> None:
            super().__init__(flips_after=0)

        def __enter__(self) -> "Recording":
            return self

        def __exit__(self, *_: object) -> None: ...

        def prepare(self, setup: object) -> None:
            prepared.append(setup)

        def concurrent(
            self, requests: object, proposal: Proposal, probes: object = (), ahead: object = ()
        ) -> Observed:
            raise TargetError("enough for this test")

    setup = Request("POST", "/full")
    scenario = Scenario("push", (Racer(Request("POST", "/push/1"), "push"),), (setup,))
    saved = SavedSchedule(
        1, "dh1:0:A", "push", "", scenario, Schedule(()), Outcome(()), "same-lock-re-entry", True, "1/1"
    )
    opened = cast(AbstractContextManager[Executor], Recording())
    attempts = list(replaying.replay(saved, opened, Explore(), 1))
    assert not attempts[0].violated
    assert prepared == [(Preparation(setup),)]


class Answering(MadeUpKeys):
    """Every execution takes these steps: the actors, each with who could have gone."""

    def __init__(self, *steps: tuple[int, set[int]]) -> None:
        super().__init__(flips_after=0)
        self.steps = tuple(TraceStep(actor, Op(1), frozenset(enabled)) for actor, enabled in steps)

    def sequential(self, requests: object, order: object, probes: object = ()) -> Observed:
        return self._answered(200)

    def concurrent(
        self, requests: object, proposal: Proposal, probes: object = (), ahead: object = ()
    ) -> Observed:
        return self._answered(201)  # no sequential order gives that

    def _answered(self, status: int) -> Observed:
        trace = Trace(self.steps, End.DONE, ())
        return Observed(Observation((Response(status, (), b""),) * 2), (Execution(trace, (), ()),))


def explored(target: MadeUpKeys) -> Exploration:
    *_, last = Search(cast("Target", target), PAIR, Explore(), lambda *_: ()).events()
    assert isinstance(last, Explored)
    return last.exploration


def test_where_no_request_comes_to_a_probe_nothing_was_tested() -> None:
    told = explored(Answering())
    assert (told.verdict, told.violating, told.complete) == ("unknown", 0, False)
    assert "no request came to a probe" in told.reason
    assert "--via postgres" in told.reason, "the mend is named"


def test_an_order_of_one_request_alone_is_no_order() -> None:
    told = explored(Answering((0, {0})))
    assert (told.verdict, told.violating) == ("unknown", 0)
    assert "never met" in told.reason


def test_requests_that_are_let_in_one_by_one_are_not_explored() -> None:
    told = explored(Answering((0, {0}), (1, {1})))
    assert not told.complete
    assert "pool" in told.reason
    both = explored(Answering((0, {0, 1}), (1, {1})))
    assert "pool" not in both.reason
