"""The whole flow on the embedded twin: same engine, oracle and findings, no cargo."""

import itertools
from pathlib import Path

import pytest

from deadheat.engine.embedded import EmbeddedSubject
from deadheat.engine.events import Event, Explored, Forced
from deadheat.engine.hunt import Hunt
from deadheat.io.store import Store, find_schedule
from deadheat.model import EventKind, Proof, Run
from deadheat.model.config import Config, Explore

QUICK = Config(explore=Explore(requests=(2,), replays=20))


def hunted(application: str, folder: Path, config: Config = QUICK) -> tuple[Run, list[Event]]:
    events: list[Event] = []
    job = Hunt(EmbeddedSubject.of(application), config, Store(folder), events.append)
    job.run()
    return job.result(), events


@pytest.fixture(scope="module")
def racy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    folder = tmp_path_factory.mktemp("racy")
    return hunted("active-users", folder)[0], folder


def test_the_response_re_read_is_forced_every_time(racy: tuple[Run, Path]) -> None:
    run, _ = racy
    finding = next(f for f in run.findings if "active_users::increment" in f.handlers)
    assert (finding.rule, finding.proof) == ("response-re-read", Proof.FORCED)
    assert finding.evidence is not None
    assert (finding.evidence.trials.violated, finding.evidence.trials.total) == (20, 20)
    answers = [e.text for e in finding.evidence.history.events if e.kind is EventKind.ANSWER]
    assert len(set(answers)) == 1, "both requests get the same answer"


def test_the_proof_names_the_window_that_was_split(racy: tuple[Run, Path]) -> None:
    run, _ = racy
    finding = next(f for f in run.findings if f.evidence)
    assert finding.evidence is not None
    steps = [e for e in finding.evidence.history.events if e.kind is EventKind.STEP]
    assert any(one.actor != other.actor for one, other in itertools.pairwise(steps))
    assert all(step.before is not None and step.after is not None for step in steps)
    assert all(step.span is not None and step.span.file.endswith(".rs") for step in steps)


def test_the_schedule_is_on_disk_under_its_printed_name(racy: tuple[Run, Path]) -> None:
    run, folder = racy
    proof = next(f.evidence for f in run.findings if f.evidence)
    _, saved = find_schedule(folder, proof.schedule_id)
    assert saved.schedule == proof.schedule
    assert saved.expected == proof.verdict.observed


def test_the_fixed_twin_is_explored_whole_and_clean(tmp_path: Path) -> None:
    run, _ = hunted("active-users-fixed", tmp_path, Config(explore=Explore(replays=20)))
    assert run.findings == ()
    assert {e.requests for e in run.coverage.explorations} == {2, 3}
    assert all(e.complete and not e.violating for e in run.coverage.explorations)


def test_an_interruption_keeps_what_was_found(tmp_path: Path) -> None:
    explored = 0

    def listen(event: Event) -> None:
        nonlocal explored
        explored += isinstance(event, Explored)
        if explored == 2:
            raise KeyboardInterrupt

    job = Hunt(EmbeddedSubject.of("active-users"), QUICK, Store(tmp_path), listen)
    with pytest.raises(KeyboardInterrupt):
        job.run()
    assert len(job.result().coverage.explorations) == 2


def test_a_budget_that_is_used_up_is_no_proof(tmp_path: Path) -> None:
    config = Config(explore=Explore(requests=(3,), replays=20, budget=2))
    run, events = hunted("active-users-fixed", tmp_path, config)
    assert not any(isinstance(event, Forced) for event in events)
    assert any(not e.complete and "budget" in e.reason for e in run.coverage.explorations)
    assert any("budget" in missing.why for missing in run.not_tested)
