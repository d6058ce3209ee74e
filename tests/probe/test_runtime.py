"""The probe runtime in real Rocket applications: schedules are followed, values seen, deadlocks told."""

import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Protocol

import pytest

from deadheat.io.cargo import Build, build
from deadheat.model import AccessKind
from deadheat.probe import Plan, plan
from tests.probe.client import Application
from tests.probe.locate import sites

pytestmark = pytest.mark.rocket

HOME = Path(__file__).parents[2]
LAB = HOME / "lab" / "rocket"
# Compiled dependencies of the lab serve these tests too.
TARGET = os.environ.get("CARGO_TARGET_DIR", str(LAB / "target"))

INCREMENT = "GET /increment"


class Builder(Protocol):
    def __call__(self, name: str, copy: str = "", rocket: str = ...) -> Build: ...


def planned(root: Path, file: str) -> Plan:
    source = (root / file).read_bytes()
    return plan(sites(file, source, passing={"shared"}), {file: source})


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    """Builds a lab application, or one beside these tests, in a place of its own."""
    root = tmp_path_factory.mktemp("lab")
    done: dict[str, Build] = {}

    def make(name: str, copy: str = "", rocket: str = 'rocket = "0.5.1"') -> Build:
        source, name = name, copy or name
        if name not in done:
            beside = HOME / "tests" / "probe" / source
            shutil.copytree(beside if beside.is_dir() else LAB / source, root / name)
            if not beside.is_dir():
                inherit(root / name / "Cargo.toml", rocket)
            shutil.copy(LAB / "Cargo.lock", root / name)
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("CARGO_TARGET_DIR", TARGET)
                plan = planned(root / name, "src/main.rs")
                done[name] = build(root / name, plan, optimize=False)
        return done[name]

    return make


def inherit(manifest: Path, rocket: str) -> None:
    """Writes out what the lab's workspace gives its members."""
    text = manifest.read_text("utf-8")
    workspace = (LAB / "Cargo.toml").read_text("utf-8")
    for line in ("version", "edition", "publish"):
        text = text.replace(f"{line}.workspace = true\n", "")
    text = text.replace("[package]\n", '[package]\nversion = "0.1.0"\nedition = "2021"\n')
    text = text.replace("rocket.workspace = true", rocket)
    manifest.write_text(text + workspace[workspace.index("[profile.dev]") :], "utf-8")


def table(made: Build) -> str:
    effects = [
        f"{point.id}:{point.resource}:{'r' if point.effect is AccessKind.READ else 'w'}"
        for point in made.plan.placed
    ]
    return f"POINTS {','.join(effects)}"


def test_the_seed_application_tells_two_visitors_the_same(built: Builder) -> None:
    with Application(built("active-users").binary) as app:
        answers = Counter(
            tuple(sorted(body for _, body in trace.answers)) for trace in app.all_orders([INCREMENT] * 2)
        )
    text = "One more: {} active now".format
    # Six orders; the two serial ones are right, in the other four both read what the second wrote.
    assert answers == {(text(1), text(2)): 2, (text(2), text(2)): 4}


def test_the_older_rocket_is_steered_too(built: Builder) -> None:
    pins = "\n".join(f'{name} = "=0.5.1"' for name in ("rocket", "rocket_codegen", "rocket_http"))
    made = built("active-users", "older", pins)
    assert any("rocket 0.5.1" in warning for warning in made.warnings)
    with Application(made.binary) as app:
        assert app.explore([INCREMENT] * 2, [0, 1, 1, 0]).answers[0] == (200, "One more: 2 active now")


def test_an_order_is_followed_again_and_again(built: Builder) -> None:
    with Application(built("active-users").binary) as app:
        app.explore([INCREMENT] * 2)
        assert app.ask("RESTORE") == "OK"
        seen = set()
        for _ in range(50):
            trace = app.explore([INCREMENT] * 2, [0, 1, 1, 0])
            assert (trace.end, trace.order) == ("done", (0, 1, 1, 0))
            assert app.ask("RESTORE") == "OK"
            seen.add((trace.steps, trace.answers))
    (only,) = seen
    assert [(step.before, step.after) for step in only[0]] == [("0", "1"), ("1", "2"), ("2", "2"), ("2", "2")]


def test_a_lost_update_of_an_atomic(built: Builder) -> None:
    with Application(built("counter").binary) as app:
        assert app.ask(table(built("counter"))) == "OK"
        trace = app.explore([INCREMENT] * 2, [0, 1, 0, 1])
        assert [body for _, body in trace.answers] == ["1", "1"]
        assert app.plain("GET /count") == (200, "1")
        assert app.ask("STATE") == "STATE 1:1000001:1:1"
        # Loads commute: with 0 asleep nothing that 1 does wakes it.
        assert app.explore(["GET /count"] * 2, [], [0]).end == "redundant"
        assert app.explore([INCREMENT] * 2, [0, 0, 0]).end == "diverged"


def test_three_racers_have_ninety_orders(built: Builder) -> None:
    with Application(built("counter").binary) as app:
        ends = Counter(trace.end for trace in app.all_orders([INCREMENT] * 3))
    assert ends == {"done": 90}


def test_marked_values_are_restored(built: Builder) -> None:
    with Application(built("counter").binary) as app:
        for _ in range(3):
            app.plain(INCREMENT)
        assert app.ask("MARK") == "OK 1 1"
        app.plain(INCREMENT)
        assert app.ask("RESTORE") == "OK"
        assert app.plain("GET /count") == (200, "3")


def test_a_racer_may_come_before_its_run_and_late_ones_pass(built: Builder) -> None:
    with Application(built("counter").binary) as app:
        app.send(0, INCREMENT, "7.0")
        app.send(1, "GET /nowhere", "7.1")
        trace = app.ask("RUN 7 2 - -").split(" ")
        assert trace[:3] == ["TRACE", "7", "done"]
        assert (app.receive(0), app.receive(1)[0]) == ((200, "1"), 404)
        app.send(0, INCREMENT, "7.0")
        assert app.receive(0) == (200, "2")
        assert app.ask("RELEASE") == "FREE"
        assert app.ask("JUMP").startswith("FAIL ")


def test_opposite_lock_orders_get_stuck(built: Builder) -> None:
    with Application(built("deadlock").binary) as app:
        assert app.ask(table(built("deadlock"))) == "OK"
        trace = app.explore(["POST /to-savings", "POST /to-checking"], [0, 1])
        assert (trace.end, trace.order) == ("stuck", (0, 1))
        assert trace.pending == "0:2:2000001,1:4:1000001"
        assert app.ask("RELEASE") == "QUIET"


def test_one_request_waits_for_itself(built: Builder) -> None:
    made = built("deadlock")
    again = next(point for point in made.plan.points if "summarise#lock" in point.identity)
    with Application(made.binary) as app:
        assert app.ask(table(made)) == "OK"
        trace = app.explore(["GET /summary"])
        assert (trace.end, trace.pending) == ("stuck", f"0:{again.id}:3000001")
        assert app.ask("RELEASE") == "QUIET"


def test_the_window_over_an_await_is_found(built: Builder) -> None:
    with Application(built("coupons").binary) as app:
        redeem = "POST /redeem/WELCOME10"
        paid = Counter(
            sum(status == 200 for status, _ in trace.answers) for trace in app.all_orders([redeem] * 2)
        )
    assert paid == {1: 2, 2: 4}


def test_every_shape_of_shared_state_takes_the_first_form(built: Builder) -> None:
    made = built("hard")
    assert (made.dropped, {probe.turn for probe in made.plan.probes}) == (0, {0})


def test_probes_fire_in_the_order_of_evaluation(built: Builder) -> None:
    made = built("hard")
    with Application(made.binary) as app:
        fired = [made.plan.points[step.point - 1].operation for step in app.explore(["GET /nested"]).steps]
    assert fired == ["load", "store", "load", "store", "fetch_add", "load", "load"]


def test_what_a_request_starts_belongs_to_it(built: Builder) -> None:
    with Application(built("hard").binary) as app:
        traces = list(app.all_orders(["GET /children"] * 2))
    assert {len(trace.steps) for trace in traces} == {6}
    assert len({trace.order for trace in traces}) == len(traces) == 20


def test_guards_across_awaits_and_tokio_locks(built: Builder) -> None:
    with Application(built("hard").binary) as app:
        orders = [trace.order for trace in app.all_orders(["GET /awaits"] * 2)]
    # The first lock is held to the end: only the two serial orders exist.
    assert sorted(orders) == [(0, 0, 0, 1, 1, 1), (1, 1, 1, 0, 0, 0)]


def test_a_panicking_handler_finishes_and_its_lock_heals(built: Builder) -> None:
    with Application(built("hard").binary) as app:
        trace = app.explore(["GET /panics"] * 2)
        assert (trace.end, [status for status, _ in trace.answers]) == ("done", [500, 500])
        assert app.ask("RESTORE") == "OK"
        assert app.explore(["GET /sleeps"]).answers == ((200, ""),)


@pytest.mark.alone  # two sleeps of the same length end in the order in which they began
def test_while_one_sleeps_the_other_goes_on_unless_the_prefix_waits(built: Builder) -> None:
    with Application(built("hard").binary) as app:
        assert app.explore(["GET /sleeps"] * 2, [0]).order == (0, 1, 0, 1)
        assert app.explore(["GET /sleeps"] * 2, [0, 0]).order == (0, 0, 1, 1)


def test_without_a_controller_the_probes_do_nothing(built: Builder) -> None:
    binary = built("counter").binary
    environment = {**os.environ, "ROCKET_PORT": "none"}
    # Rocket refuses the port, so it ends by itself, past `attach`.
    ended = subprocess.run([binary], env=environment, capture_output=True, check=False, timeout=20)
    assert ended.returncode != 0
    assert b"deadheat:" not in ended.stderr


def test_an_absent_controller_is_said(built: Builder, tmp_path: Path) -> None:
    environment = {**os.environ, "DEADHEAT_SOCKET": str(tmp_path / "gone")}
    ended = subprocess.run(
        [built("counter").binary], env=environment, capture_output=True, check=False, timeout=20
    )
    assert ended.returncode == 3
    assert b"deadheat: cannot connect" in ended.stderr


def test_the_crate_passes_its_own_tests() -> None:
    environment = {**os.environ, "CARGO_TARGET_DIR": TARGET}
    ended = subprocess.run(
        ["cargo", "test", "--quiet", "--features", "parking_lot"],
        cwd=HOME / "crates" / "deadheat-probe",
        env=environment,
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr.decode() + ended.stdout.decode()
