"""Messages over WebSockets raced from end to end: a coupon redeemed twice, and its fixed twin."""

import json
from contextlib import chdir
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deadheat.cli import cli
from deadheat.engine.attack.courier import Courier
from deadheat.engine.attack.drafts import from_review
from deadheat.engine.attack.hold import holdable
from deadheat.io.allow import Allow
from deadheat.io.config import parse
from deadheat.model import MESSAGE, DeadheatError, Gate, Origin, Request, Version
from deadheat.model.config import Config, Limits
from deadheat.rules import check
from deadheat.wire import PLANS
from tests.rust.programs import program
from tests.servers.websocket_shop import websocket_shop

SCENARIO = """\
[[scenario]]
name = "one coupon"
racers = [
  { ws = "/live", message = "redeem X", principal = "ada" },
  { ws = "/live", message = "redeem X", principal = "bob" },
]
probes = ["GET /paid"]
reset = ["POST /reset"]
[principals.ada]
headers = { x-user = "ada" }
[principals.bob]
headers = { x-user = "bob" }
"""


def run(*words: str | Path, folder: Path) -> Result:
    with chdir(folder):
        return CliRunner().invoke(cli, ["attack", *map(str, words), "--quiet"], standalone_mode=False)


@pytest.mark.parametrize("fixed", [False, True])
def test_a_scenario_of_two_principals(fixed: bool, tmp_path: Path) -> None:
    (tmp_path / "deadheat.toml").write_text(SCENARIO)
    with websocket_shop(fixed=fixed) as (shop, port):
        done = run("--url", f"ws://127.0.0.1:{port}", "--rounds", "20", "--format", "json", folder=tmp_path)
    assert done.exception is None, done.output
    report = json.loads(done.output)
    (attack,) = report["coverage"]["attacks"]
    assert done.return_value == (0 if fixed else 1), report["not_tested"]
    assert attack["verdict"] == ("none-seen" if fixed else "violation")
    assert attack["plan"] == "ws/last-byte"
    assert attack["racers"] == ["WS /live", "WS /live"]
    assert {text for _, text in shop.heard} == {"redeem X"}
    assert {who for who, _ in shop.heard} == {"ada", "bob"}
    assert shop.marked
    # Every run opens its own, all of them ahead, and leaves none behind.
    assert shop.opened == len(shop.heard)
    assert shop.most == 2
    if not fixed:
        (finding,) = report["findings"]
        assert finding["proof"] == "observed"
        assert finding["evidence"]["observed_outcome"]["responses"] == [
            "101 paid 10 to ada",
            "101 paid 10 to bob",
        ]


@pytest.mark.parametrize("fixed", [False, True])
def test_from_the_command_line_judged_by_an_invariant_alone(fixed: bool, tmp_path: Path) -> None:
    invariant = 'answers.filter(a, a.body.startsWith("paid")).size() <= 1'
    with websocket_shop(fixed=fixed) as (shop, port):
        done = run(
            "--url", f"ws://127.0.0.1:{port}/live", "--data", "redeem X", "-n", "3", "-H", "x-user: eve",
            "--reset", "POST /reset", "--invariant", invariant, "--rounds", "20", "--via", "ws/whole",
            "--format", "json", folder=tmp_path,
        )  # fmt: skip
    assert done.exception is None, done.output
    report = json.loads(done.output)
    assert done.return_value == (0 if fixed else 1), report["not_tested"]
    assert shop.most == 3
    (attack,) = report["coverage"]["attacks"]
    assert (attack["plan"], attack["racers"]) == ("ws/whole", ["3 × WS /live"])
    # Probing, then for each run of three: the reset, three openings, three messages.
    assert attack["requests"] == 7 * (attack["controls"] + attack["rounds"])


def test_who_is_not_let_in_is_no_pass(tmp_path: Path) -> None:
    with websocket_shop(fixed=False) as (shop, port):
        done = run("--url", f"ws://127.0.0.1:{port}/live", "-d", "redeem X", "--reset", "POST /reset",
                   "--rounds", "3", "--format", "json", folder=tmp_path)  # fmt: skip
    assert done.return_value == 3
    (attack,) = json.loads(done.output)["coverage"]["attacks"]
    assert "unauthorised" in {null["name"] for null in attack["nulls"]}
    assert shop.heard == []


def test_a_rehearsal_shows_the_message(tmp_path: Path) -> None:
    done = run("--url", "ws://127.0.0.1:9/live", "-d", "redeem X", "--dry-run", folder=tmp_path)
    assert done.return_value == 0
    assert "this would go to http://127.0.0.1:9" in done.output
    assert "2 × WS /live\n            redeem X" in done.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--url", "ws://127.0.0.1:9/live"), "goes a message: give it with -d"),
        (("--url", "ws://127.0.0.1:9/live", "-d", "x", "-X", "POST"), "and no -X"),
        (("--url", "http://127.0.0.1:9/live", "-d", "x", "--via", "ws"), "only messages go over WebSockets"),
        (("--url", "ws://127.0.0.1:9/live", "-d", "x", "--recipe", "single-use-token"), "judges by `succ"),
        (("--url", "ws://127.0.0.1:9/live", "-d", "x", "--invariant", "successes <= 1"), "tell the answers"),
        (("--url", "http://127.0.0.1:9/x", "-X", "WS"), "a message is a racer"),
    ],
)  # fmt: skip
def test_mistakes_are_told(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    done = run(*words, folder=tmp_path)
    assert isinstance(done.exception, DeadheatError)
    assert message in str(done.exception)


def test_messages_go_over_websockets_whatever_http_goes_over() -> None:
    message = Request(MESSAGE, "/live", (("x-user", "ada"),), b"redeem X")
    with websocket_shop(fixed=True) as (shop, port):
        for via in ("auto", "h1", "ws", "whole"):
            with Courier(Origin.of(f"http://127.0.0.1:{port}"), Allow(), Limits(rate=1e6), via) as courier:
                assert courier.ask(Request("POST", "/reset")).text == "reset"
                choice = courier.choice([message, message])
                assert choice.version is Version.WS
                plan = PLANS["whole" if via == "whole" else "last-byte"]
                assert choice.plan == plan
                assert courier.choice([Request("GET", "/paid")], Gate.START).version is Version.H1
                if via == "auto":
                    round_ = courier.race([message, message], choice)
                    answers = [shot.response.text for shot in round_.shots if shot.response]
                    assert sorted(answers) == ["already used", "paid 10 to ada"]
                    turns = courier.in_turn([message, message], (1, 0))
                    assert [shot.response.text for shot in turns if shot.response] == ["already used"] * 2
    assert shop.opened == 4


def test_a_message_is_never_held() -> None:
    assert "handed on whole" in str(holdable(Request(MESSAGE, "/live", body=b"x" * 40)))


def test_a_draft_for_a_handler_that_opens_a_websocket_is_a_message() -> None:
    text = """\
use rocket::{get, routes, State};
use rocket_ws::{Channel, WebSocket};
use std::{collections::HashSet, sync::Mutex};
struct Hall { taken: Mutex<HashSet<u32>> }
#[get("/hall")]
fn hall<'r>(ws: WebSocket, hall: &'r State<Hall>) -> Channel<'r> {
    ws.channel(move |io| Box::pin(async move {
        if hall.taken.lock().unwrap().contains(&1) { return Ok(()); }
        hall.taken.lock().unwrap().insert(1);
        Ok(())
    }))
}
fn rocket() { rocket::build().mount("/", routes![hall]); }
"""
    read = program(text)
    draft = from_review(read.review, check(read), Config())
    (scenario,) = parse(draft, None, {}, "deadheat.toml").scenarios
    assert [racer.request for racer in scenario.racers] == [Request(MESSAGE, "/hall", (), b"deadheat")] * 2
