"""One scenario's exploration, on a target that answers as told."""

from pathlib import Path
from typing import cast

import msgspec
import pytest

from deadheat.engine import replay as replaying
from deadheat.engine.explore import Search
from deadheat.engine.link import UNLINKED, Linker
from deadheat.engine.reviewed import Reviewed
from deadheat.engine.target import Application, Observed, Target
from deadheat.io.hold import Execution, ProbedStep
from deadheat.io.resources import resource
from deadheat.io.store import SavedSchedule, Store
from deadheat.model import (
    AccessKind,
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
from deadheat.schedule import End, Proposal, Trace

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

    def concurrent(self, requests: object, proposal: Proposal, probes: object = ()) -> Observed:
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


def test_a_request_that_waits_for_itself_is_replayed_after_its_set_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared: list[object] = []

    class Recording(MadeUpKeys):
        def __init__(self, *_: object) -> None:
            super().__init__(flips_after=0)

        def __enter__(self) -> "Recording":
            return self

        def __exit__(self, *_: object) -> None: ...

        def prepare(self, setup: object) -> None:
            prepared.append(setup)

        def concurrent(self, requests: object, proposal: Proposal, probes: object = ()) -> Observed:
            raise TargetError("enough for this test")

    monkeypatch.setattr(replaying, "Target", Recording)
    setup = Request("POST", "/full")
    scenario = Scenario("push", (Racer(Request("POST", "/push/1"), "push"),), (setup,))
    saved = SavedSchedule(
        1, "dh1:0:A", "push", "", scenario, Schedule(()), Outcome(()), "same-lock-re-entry", True, "1/1"
    )
    application = Application("a", (), tmp_path, (), {}, "")
    attempts = list(replaying.replay(saved, application, Store(tmp_path), Explore(), 1))
    assert not attempts[0].violated
    assert prepared == [(Preparation(setup),)]
