"""What people read of an attack, and that nothing seen is never called clean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from rich.cells import cell_len
from syrupy.assertion import SnapshotAssertion

from deadheat.model import (
    Attack,
    Confidence,
    Coverage,
    Event,
    EventKind,
    Evidence,
    Finding,
    Group,
    History,
    Impact,
    Interval,
    NotTested,
    Null,
    Outcome,
    Proof,
    Racer,
    Request,
    Run,
    Scenario,
    Schedule,
    SerialOutcome,
    Severity,
    SharedState,
    Span,
    StateKind,
    Tool,
    Trials,
    Violation,
)
from deadheat.report import FORMATS
from deadheat.report.terminal import render

REDEEM = Request("POST", "/redeem/X", (("authorization", "Bearer k-123456"),))
SEEN = Outcome(("200 paid 10", "200 paid 10"), (("GET /paid-out", "20"),))
LEGAL = Outcome(("200 paid 10", "409 already used"), (("GET /paid-out", "10"),))
EVENTS = tuple(
    Event(seq, t, actor, kind, text=text)
    for seq, (t, actor, kind, text) in enumerate(
        [
            (0.0, 0, EventKind.SEND, "POST /redeem/X"),
            (0.04, 1, EventKind.SEND, "POST /redeem/X"),
            (3.1, 0, EventKind.ANSWER, "200 paid 10"),
            (3.2, 1, EventKind.ANSWER, "200 paid 10"),
        ]
    )
)
FINDING = Finding(
    rule="non-serializable-outcome",
    code="DH100",
    title="2 succeed at once, one by one 1 (redeem twice)",
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    state=SharedState("GET /paid-out", StateKind.EXTERNAL, "GET /paid-out"),
    handlers=("POST /redeem/X",),
    location=Span("", 1, 1, 1, 1),
    message="both requests were answered 200 paid 10",
    fingerprint="0" * 64,
    proof=Proof.OBSERVED,
    impact=(Impact.DATA_CORRUPTION,),
    evidence=Evidence(
        Scenario("redeem twice", (Racer(REDEEM, "POST /redeem/X"),) * 2),
        Schedule(),
        "",
        History(events=EVENTS),
        Violation("both requests were answered 200 paid 10", SEEN, (SerialOutcome((0, 1), LEGAL),)),
        Trials(19, 20, Interval(0.764, 0.991)),
        serial_controls=5,
        again="deadheat attack --url http://127.0.0.1:8000 -H 'Authorization: Bearer k-123456' redeem",
    ),
)
VIOLATES = Attack(
    "redeem twice", "http://127.0.0.1:8000", ("2 × POST /redeem/X",), 20, 19, Interval(0.764, 0.991),
    requests=105, seconds=0.4, plan="h2/whole", because="2 whole requests are 56 bytes",
    spread=0.000_012, overlap=1.0, in_flight=2, controls=5, orders=1, oracles=("every sequential order (1)",),
    groups=(
        Group("200 paid 10", 39),
        Group("201 account 2", 1, odd=True, diff=("- 201 account 1", "+ 201 account 2")),
    ),
    mutations=(("case", 2, 0), ("encoding", 1, 1)), cores=2, free_cores=1.2,
    stopped="a sequential test is certain that it violates", verdict="violation",
)  # fmt: skip
CLEAR = structs.replace(
    VIOLATES, scenario="buy", violating=0, rounds=301, interval=Interval(0.0, 0.0126), ruled_out=0.0099,
    groups=(Group("200 sold", 301), Group("409 none left", 301)), mutations=(), offsets=(0.0, 0.0021),
    nulls=(Null("no-free-core", "only 0.2 of 2 cores were free", "attack when idle"),), verdict="none-seen",
)  # fmt: skip
FORCED = structs.replace(
    VIOLATES, scenario="payout", violating=0, holds=20, forced=20, groups=(), mutations=()
)
NOWHERE = Attack("login", "http://127.0.0.1:8000", ("POST /login",), rounds=10, verdict="unknown")
NOT_TESTED = NotTested("login", "all racers were answered 401", "name a `principal`")


def run_of(*attacks: Attack, findings: tuple[Finding, ...] = (), missing: tuple[NotTested, ...] = ()) -> Run:
    coverage = Coverage(seconds=1.5, attacks=attacks)
    return Run(Tool(version="0"), "http://127.0.0.1:8000", 7, findings, coverage=coverage, not_tested=missing)


RUNS = {
    "violates": run_of(VIOLATES, CLEAR, FORCED, findings=(FINDING,)),
    "none-seen": run_of(CLEAR),
    "inconclusive": run_of(CLEAR, NOWHERE, missing=(NOT_TESTED,)),
}


@pytest.mark.parametrize("name", RUNS)
def test_terminal(name: str, snapshot: SnapshotAssertion) -> None:
    assert render(RUNS[name]) == snapshot


def test_markdown(snapshot: SnapshotAssertion) -> None:
    assert FORMATS["markdown"](RUNS["violates"]) == snapshot


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("form", sorted(FORMATS))
def test_nothing_is_called_clean_and_no_credential_is_shown(form: str, name: str) -> None:
    text = FORMATS[form](RUNS[name])
    assert "clean" not in text
    assert "k-123456" not in text


@given(st.sampled_from(sorted(RUNS)), st.integers(40, 140), st.text(max_size=60))
def test_everything_fits_the_width_but_what_is_pasted(name: str, width: int, text: str) -> None:
    run = RUNS[name]
    attacks = tuple(
        structs.replace(each, scenario=text, groups=(Group(text, 3, odd=True, diff=(text,)),))
        for each in run.coverage.attacks
    )
    run = structs.replace(run, coverage=structs.replace(run.coverage, attacks=attacks))
    for line in render(run, width=width).splitlines():
        assert cell_len(line) <= width or "deadheat attack" in line or "deadheat explain" in line
        assert "\x1b" not in line
