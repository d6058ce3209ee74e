"""Attacks from end to end, on servers in this process."""

import threading

import pytest

from deadheat.engine.attack.courier import Courier
from deadheat.engine.attack.run import AttackRun, Plan
from deadheat.io.allow import Allow
from deadheat.model import (
    DeadheatError,
    Origin,
    Proof,
    Racer,
    Request,
    Run,
    Scenario,
    Setting,
    TargetError,
)
from deadheat.model.config import Config, Limits
from tests.engine.attack.shop import Answer, Asked, Coupon, Handler, serving

REDEEM = Scenario(
    "redeem twice",
    (Racer(Request("POST", "/redeem/X"), count=2),),
    probes=(Request("GET", "/paid"),),
    reset_requests=(Request("POST", "/reset"),),
)


def attacked(
    handler: Handler, *scenarios: Scenario, limits: Limits | None = None, rounds: int = 25, mutate: int = 0
) -> Run:
    with serving(handler) as server:
        courier = Courier(
            Origin.of(server.url), Allow(), limits or Limits(requests=400, rate=1e6, deadline=3), "h1"
        )
        with courier:
            job = AttackRun(courier, Config(), Plan(scenarios, rounds=rounds, mutate=mutate), lambda _: None)
            job.run()
            return job.result()


def nulls(run: Run) -> set[str]:
    return {null.name for attack in run.coverage.attacks for null in attack.nulls}


def test_a_coupon_paid_twice_is_found() -> None:
    run = attacked(Coupon(), REDEEM)
    (finding,) = run.findings
    (attack,) = run.coverage.attacks
    assert finding.proof is Proof.OBSERVED
    assert finding.evidence is not None
    assert finding.evidence.trials.violated == attack.violating > 10
    assert "both requests were answered 200 paid 10" in finding.evidence.verdict.explanation
    assert attack.overlap > 0.9
    assert attack.verdict == "violation"


def test_nothing_is_found_on_the_fixed_twin() -> None:
    run = attacked(Coupon(fixed=True), REDEEM)
    (attack,) = run.coverage.attacks
    assert run.findings == ()
    assert (attack.verdict, attack.rounds, attack.orders) == ("none-seen", 25, 1)
    assert attack.ruled_out is not None
    assert 0.1 < attack.ruled_out < 0.12


def test_what_violates_one_by_one_is_a_logic_bug_and_not_raced() -> None:
    scenario = Scenario(
        "twice", REDEEM.racers, reset_requests=REDEEM.reset_requests, invariants=("successes <= 1",)
    )
    run = attacked(lambda asked: (200, "paid 10"), scenario)
    (finding,) = run.findings
    assert finding.rule == "sequential-violation"
    assert run.coverage.attacks[0].rounds == 0
    assert run.coverage.attacks[0].verdict == "logic"


def test_identifiers_that_differ_each_time_are_no_race() -> None:
    number = iter(range(10_000))

    def handler(asked: Asked) -> Answer:
        return 200, f"order {next(number)} accepted"

    run = attacked(handler, REDEEM)
    assert run.findings == ()
    assert run.coverage.attacks[0].verdict == "none-seen"


@pytest.mark.parametrize(("status", "name"), [(401, "unauthorised"), (404, "not-found"), (422, "refused")])
def test_refusals_everywhere_are_not_a_pass(status: int, name: str) -> None:
    def handler(asked: Asked) -> Answer:
        return (200, "") if asked.target in {"/reset", "/paid"} else (status, "no")

    run = attacked(handler, REDEEM)
    assert nulls(run) >= {name}
    assert run.coverage.attacks[0].verdict == "unknown"
    assert run.not_tested


def test_without_a_way_back_and_without_an_invariant_nothing_can_be_said() -> None:
    scenario = Scenario("redeem", REDEEM.racers)
    run = attacked(Coupon(), scenario, rounds=3)
    assert nulls(run) >= {"no-oracle"}
    assert run.findings == ()


def test_a_limit_judges_without_a_way_back() -> None:
    scenario = Scenario("redeem", REDEEM.racers, setting=Setting(recipe="single-use-token"))
    run = attacked(Coupon(), scenario, rounds=1)
    assert [finding.rule for finding in run.findings] == ["invariant-violation"]
    assert run.findings[0].title.startswith("a code, voucher or link that is good once is good twice")


def test_a_fresh_name_each_round_is_a_way_back() -> None:
    names: list[str] = []

    def handler(asked: Asked) -> Answer:
        taken = asked.target in names
        if asked.target.startswith("/signup"):
            names.append(asked.target)
        return (409, f"{asked.target} is taken") if taken else (201, f"welcome to {asked.target}")

    scenario = Scenario("sign up", (Racer(Request("POST", "/signup/{round}"), count=2),))
    run = attacked(handler, scenario)
    assert run.findings == ()
    assert run.coverage.attacks[0].verdict == "none-seen"
    assert len(set(names)) == len(names) / 2


def test_the_cap_ends_an_attack_and_what_was_measured_is_kept() -> None:
    run = attacked(Coupon(fixed=True), REDEEM, limits=Limits(requests=40, rate=1e6, deadline=3), rounds=1000)
    (attack,) = run.coverage.attacks
    assert attack.requests <= 40
    assert attack.rounds > 3
    assert "requests is used up" in attack.stopped


def test_a_long_retry_after_is_honoured_by_leaving() -> None:
    def handler(asked: Asked) -> Answer:
        return 429, "slow down", {"Retry-After": "3600"}

    run = attacked(handler, Scenario("x", (Racer(Request("GET", "/x"), count=2),)))
    assert run.coverage.attacks[0].requests == 1
    assert "3600 s" in run.coverage.attacks[0].stopped


def test_every_request_says_what_it_is() -> None:
    seen: list[str | None] = []
    shop = Coupon(fixed=True)

    def handler(asked: Asked) -> Answer:
        seen.append(asked.headers.get("x-deadheat"))
        return shop(asked)

    attacked(handler, REDEEM, rounds=2)
    assert seen
    assert None not in seen


def test_a_redirect_to_another_host_is_refused() -> None:
    def handler(asked: Asked) -> Answer:
        return 302, "", {"Location": "http://elsewhere.example/"}

    run = attacked(handler, REDEEM)
    assert "elsewhere.example" in run.not_tested[0].why
    assert "refused" in run.not_tested[0].why


def test_nothing_is_asked_of_a_name_server_without_authorisation() -> None:
    def refuse(host: str, port: int) -> tuple[str, ...]:
        raise AssertionError(f"asked for {host}")

    courier = Courier(Origin.of("http://shop.example"), Allow((), refuse), Limits())
    with courier, pytest.raises(TargetError, match="not among the authorised"):
        AttackRun(courier, Config(), Plan((REDEEM,)), lambda _: None).run()


def test_a_storm_of_5xx_is_told_and_no_race() -> None:
    shop = Coupon(fixed=True)
    count = iter(range(100_000))

    def handler(asked: Asked) -> Answer:
        if asked.target.startswith("/redeem") and next(count) > 20:
            return 500, "oops"
        return shop(asked)

    run = attacked(handler, REDEEM)
    assert run.findings == ()
    assert nulls(run) & {"failed", "some-failed"}
    assert run.coverage.attacks[0].verdict == "unknown"


def test_one_worker_is_recognised() -> None:
    one = threading.Lock()
    shop = Coupon(fixed=True)

    def handler(asked: Asked) -> Answer:
        if not asked.target.startswith("/redeem"):
            return shop(asked)
        with one:
            threading.Event().wait(0.004)
            return shop(asked)

    run = attacked(handler, REDEEM)
    # On a machine without a free core it cannot be told, and that is what is said.
    assert nulls(run) & {"one-at-a-time", "no-free-core"}


def test_mutations_are_counted() -> None:
    run = attacked(Coupon(fixed=True), REDEEM, mutate=3, rounds=5)
    tried = run.coverage.attacks[0].mutations
    assert {family for family, _, _ in tried} <= {"case", "encoding"}
    assert sum(total for _, total, _ in tried) == 3


def test_a_refused_reset_is_told() -> None:
    def handler(asked: Asked) -> Answer:
        return (403, "admins only") if asked.target == "/reset" else (200, "ok")

    run = attacked(handler, REDEEM)
    assert "POST /reset was answered 403" in run.not_tested[0].why


def test_an_unknown_via_is_told() -> None:
    with pytest.raises(DeadheatError, match="nothing is called 'h4'"):
        Courier(Origin.of("http://127.0.0.1:1"), Allow(), Limits(), "h4")


def test_a_server_that_goes_away_leaves_what_was_measured() -> None:
    shop = Coupon(fixed=True)
    count = iter(range(100_000))

    def handler(asked: Asked) -> Answer:
        if next(count) > 30:
            raise ConnectionResetError
        return shop(asked)

    run = attacked(handler, REDEEM)
    (attack,) = run.coverage.attacks
    assert attack.rounds > 2
    assert attack.verdict == "unknown"
    assert nulls(run) >= {"unreachable"}
    assert run.findings == ()


def test_a_slow_server_ends_by_the_deadline_and_is_indeterminate() -> None:
    stop = threading.Event()
    shop = Coupon(fixed=True)
    count = iter(range(100_000))

    def handler(asked: Asked) -> Answer:
        if asked.target.startswith("/redeem") and next(count) > 8:
            stop.wait(5)
        return shop(asked)

    try:
        run = attacked(handler, REDEEM, limits=Limits(requests=60, rate=1e6, deadline=0.1), rounds=3)
    finally:
        stop.set()
    (attack,) = run.coverage.attacks
    assert attack.rounds == 3
    assert attack.indeterminate >= 3
    assert run.findings == ()
    assert attack.verdict == "unknown"
