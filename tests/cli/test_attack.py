"""`deadheat attack` and `deadheat init` as they are typed: what they refuse, and that nothing leaves."""

import json
import socket
from contextlib import chdir
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deadheat.cli import cli
from deadheat.io import config
from deadheat.io.resources import resource
from deadheat.model import DeadheatError
from tests.engine.attack.shop import Coupon, serving

REDEEM = ("-X", "POST", "-n", "2", "--probe", "GET /paid", "--reset", "POST /reset", "--via", "h1", "--quiet")


def run(*words: str | Path, folder: Path) -> Result:
    with chdir(folder):
        return CliRunner().invoke(cli, ["attack", *map(str, words)], standalone_mode=False)


def test_a_race_is_1_and_a_fixed_twin_0(tmp_path: Path) -> None:
    for fixed, code in ((False, 1), (True, 0)):
        with serving(Coupon(fixed=fixed)) as server:
            done = run("--url", f"{server.url}/redeem/X", *REDEEM, "--rounds", "20", folder=tmp_path)
        assert done.exception is None
        assert done.return_value == code, done.output


def test_secrets_are_in_no_output_and_not_on_disk(tmp_path: Path) -> None:
    shop = Coupon()
    token = "s3cr3t-token-value"
    file = tmp_path / "deadheat.toml"
    file.write_text('[headers]\n[[scenario]]\nname = "x"\nreset = ["POST /reset"]\n'
                    'racers = [{ method = "POST", target = "/redeem/{token}", n = 2, principal = "ada" }]\n'
                    '[principals.ada]\nlogin = [{ method = "POST", target = "/redeem/login?pw=${PASSWORD}",'
                    ' extract = { token = { cookie = "sid" } } }]\n')  # fmt: skip
    with (
        serving(
            lambda asked: (
                (200, "hello", {"Set-Cookie": f"sid={token}"}) if "login" in asked.target else shop(asked)
            )
        ) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("PASSWORD", "hunter2hunter2")
        for kind in ("text", "json", "markdown"):
            done = run("--url", server.url, "x", "--config", file, "--via", "h1", "--rounds", "5",
                       "--format", kind, folder=tmp_path)  # fmt: skip
            assert done.return_value == 1, done.output
            assert token not in done.output
            assert "hunter2" not in done.output
    assert any(token in asked.target for asked in server.asked)
    stored = (tmp_path / ".deadheat" / "runs.sqlite").read_bytes()
    assert token.encode() not in stored
    assert b"hunter2" not in stored


@pytest.mark.parametrize("status", [200, 401])
def test_what_is_typed_is_masked_too(status: int, tmp_path: Path) -> None:
    shop = Coupon()
    with serving(lambda asked: shop(asked) if status == 200 else (status, "no")) as server:
        done = run("--url", f"{server.url}/redeem/X?token=abcdef0123", "-H", "Authorization: Bearer k-123456",
                   *REDEEM, "--rounds", "3", folder=tmp_path)  # fmt: skip
    assert done.return_value in {1, 3}
    assert "abcdef0123" not in done.output
    assert "k-123456" not in done.output


def test_nothing_leaves_without_authorisation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*words: object, **options: object) -> None:
        raise AssertionError(f"something was about to leave: {words}")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    (tmp_path / "deadheat.toml").write_text(
        '[[target]]\nurl = "http://shop.example:8080"\nauthorisation = "another port of that host"\n'
    )
    for url in ("http://shop.example/x", "https://93.184.216.34/x", "http://127.0.0.1.nip.io/x"):
        done = run("--url", url, "--quiet", folder=tmp_path)
        assert isinstance(done.exception, DeadheatError)
        assert "nothing was sent" in str(done.exception)


def test_a_rehearsal_sends_nothing_and_shows_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *_: pytest.fail("something was sent"))
    done = run("--url", "http://127.0.0.1:9/redeem/X?token=abcdef", "-H", "Authorization: Bearer k-123456",
               "-d", "a=1", *REDEEM, "--dry-run", folder=tmp_path)  # fmt: skip
    assert done.return_value == 0
    assert "2 × POST /redeem/X?token=***" in done.output
    assert "k-123456" not in done.output
    assert "reset   POST /reset" in done.output
    assert "look    GET /paid" in done.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--url", "http://127.0.0.1:1/x", "--invariant", "successes <="), "is not CEL"),
        (
            ("--url", "http://127.0.0.1:1/x", "--recipe", "limit-over"),
            "no recipe 'limit-over'; did you mean `limit-overrun`",
        ),
        (("--url", "http://127.0.0.1:1/x", "--reset", "POST"), "--reset: `POST` is not a request"),
        (("--url", "http://127.0.0.1:1/x", "-H", "nonsense"), "is no header"),
        (("--url", "http://127.0.0.1:1/x", "--via", "h9"), "nothing is called 'h9'"),
        (("--url", "http://127.0.0.1:1/x"), "cannot be reached"),
        (("--url", "http://127.0.0.1:1"), "nothing to attack"),
        (("--url", "nonsense/x"), "not the address of an HTTP server"),
        (("twice",), "no scenario 'twice'"),
        ((), "nothing to attack"),
    ],
)
def test_mistakes_are_told(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    done = run(*words, "--quiet", folder=tmp_path)
    assert isinstance(done.exception, DeadheatError)
    assert message in str(done.exception)


def test_requests_can_be_imported(tmp_path: Path) -> None:
    with serving(Coupon()) as server:
        file = tmp_path / "line.sh"
        file.write_text(f"curl -X POST {server.url}/redeem/X -H 'x: y'")
        done = run("--import", file, *REDEEM[2:], "--rounds", "20", "--format", "json", folder=tmp_path)
    assert done.return_value == 1, done.output
    assert json.loads(done.output)["coverage"]["attacks"][0]["racers"] == ["2 × POST /redeem/X"]


def test_a_draft_parses(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["init", str(resource("lab", "rocket") / "coupons"), "--stdout"])
    assert done.exit_code == 0
    (tmp_path / "deadheat.toml").write_text(done.output)
    drafted = config.load(tmp_path)
    assert [str(racer.request) for racer in drafted.scenarios[0].racers] == ["POST /redeem/WELCOME10"] * 2
    assert [str(probe) for probe in drafted.scenarios[0].probes] == ["GET /paid-out"]


def test_a_draft_from_a_file_and_never_over_another(tmp_path: Path) -> None:
    file = tmp_path / "line.sh"
    file.write_text("curl -d a=1 http://127.0.0.1:8000/pay")
    words = ["init", str(tmp_path), "--import", str(file)]
    assert CliRunner().invoke(cli, words).exit_code == 0
    assert config.load(tmp_path).scenarios[0].name == "POST /pay twice"
    again = CliRunner().invoke(cli, words, standalone_mode=False)
    assert "is there already" in str(again.exception)
