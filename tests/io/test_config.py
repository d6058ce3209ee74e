"""`deadheat.toml`: what it means, and how a mistake in it is told."""
# ruff: noqa: E501 - mistakes are easiest to compare one a line

from pathlib import Path

import jsonschema
import pytest

from deadheat.io.config import find, load, schema
from deadheat.model import Handler, ProjectError, Request, Reset, Span
from deadheat.model.config import Config

WHOLE = """\
[values]
code = "WELCOME10"
[values.redeem]
amount = 5
[headers]
authorization = "Bearer ${TOKEN}"
[app]
env = { ROCKET_DATABASES = "{}" }
[explore]
requests = [2]
timeout = 5
[profile.ci]
budget = 1000
requests = [2, 3]
[[scenario]]
name = "redeem-twice"
setup = ['POST /coupons {"code":"X"}']
racers = [
  "POST /redeem/X",
  { method = "post", target = "/redeem/X", headers = { Authorization = "none" }, form = { a = "b c", n = true } },
]
probes = ["GET /balance"]
reset = ["POST /reset all=yes"]
[ignore]
handlers = ["metrics"]
"""

AUTHORISED = ("authorization", "Bearer abc")


def write(folder: Path, text: str) -> Path:
    (folder / "deadheat.toml").write_text(text)
    return folder


def handler(name: str) -> Handler:
    return Handler(f"app::{name}", "GET", f"/{name}", Span("src/main.rs", 1, 1, 2, 1))


def test_a_project_without_a_file_has_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path) == Config()


def test_everything_is_resolved(tmp_path: Path) -> None:
    config = load(write(tmp_path, WHOLE), environ={"TOKEN": "abc"})
    (scenario,) = config.scenarios
    assert config.headers == (AUTHORISED,)
    assert config.secrets == ("abc",)
    assert config.app.env == {"ROCKET_DATABASES": "{}"}
    assert (config.explore.requests, config.explore.replays, config.explore.timeout) == ((2,), 50, 5.0)
    assert scenario.setup == (
        Request("POST", "/coupons", (AUTHORISED, ("content-type", "application/json")), b'{"code":"X"}'),
    )
    assert scenario.racers[0].request == Request("POST", "/redeem/X", (AUTHORISED,))
    assert scenario.racers[1].request == Request(
        "POST",
        "/redeem/X",
        (("Authorization", "none"), ("content-type", "application/x-www-form-urlencoded")),
        b"a=b%20c&n=true",
    )
    assert scenario.reset is Reset.REQUESTS
    assert scenario.reset_requests[0].body == b"all=yes"
    assert config.ignores(handler("metrics"))
    assert not config.ignores(handler("redeem"))


def test_the_closest_value_wins(tmp_path: Path) -> None:
    config = load(write(tmp_path, WHOLE), environ={"TOKEN": "abc"})
    assert config.value(handler("redeem"), "amount") == 5
    assert config.value(handler("redeem"), "coupon.code") == "WELCOME10"
    assert config.value(handler("other"), "amount") is None


def test_a_profile_overrides_what_it_names(tmp_path: Path) -> None:
    explore = load(write(tmp_path, WHOLE), profile="ci", environ={"TOKEN": "abc"}).explore
    assert (explore.budget, explore.requests, explore.timeout) == (1000, (2, 3), 5.0)


def test_a_reference_can_be_escaped(tmp_path: Path) -> None:
    config = load(write(tmp_path, '[values]\na = "$${HOME} and $HOME"\n'), environ={})
    assert config.values == {"a": "${HOME} and $HOME"}
    assert config.secrets == ()


def test_it_is_found_beside_the_manifest_and_in_dot_config(tmp_path: Path) -> None:
    assert find(tmp_path) is None
    (tmp_path / ".config").mkdir()
    (tmp_path / ".config/deadheat.toml").touch()
    (tmp_path / "Cargo.toml").touch()
    assert find(tmp_path / "Cargo.toml") == tmp_path / ".config/deadheat.toml"
    (tmp_path / "deadheat.toml").touch()
    with pytest.raises(
        ProjectError, match=r"deadheat.toml and .*\.config/deadheat.toml both exist: keep one"
    ):
        find(tmp_path)


def test_the_file_the_user_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"other\.toml: no such file"):
        load(tmp_path, tmp_path / "other.toml")


RACER = '[[scenario]]\nname = "a"\nracers = ["GET /"]\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[explor]\n", "1: unknown key `explor` in the configuration; did you mean `explore`?"),
        ("[explore]\n\nreplay = 20\n", "3: unknown key `replay` in `explore`; did you mean `replays`?"),
        ("[app]\nxyz = 1\n", "2: unknown key `xyz` in `app`; known here: features, env, args, ready, optimize"),
        (
            RACER + RACER.replace('"a"', '"b"') + "relx = []\n",
            "7: unknown key `relx` in `scenario[1]`; did you mean `relax`?",
        ),
        (
            '[[scenario]]\nname = "a"\nracers = [\n  "GET /",\n  { method = "GET", targt = "/" },\n]\n',
            "5: unknown key `targt` in `scenario[0].racers[1]`; did you mean `target`?",
        ),
        (
            "[profile.a]\nbudget = 1\n[profile.b]\nbudgt = 1\n",
            "4: unknown key `budgt` in `profile.b`; did you mean `budget`?",
        ),
        ('[explore]\nbudget = "1"\n', "2: `explore.budget` must be an integer, not a string"),
        ("[explore]\nreplays = 3\n", "2: `explore.replays` must be an integer ≥ 20"),
        ('[explore]\nstrategy = "pctt"\n', "2: `explore.strategy` cannot be 'pctt'; it is one of auto, source-dpor, pct, surw, pos, walk"),
        ("[explore]\nrequests = [1]\n", "2: `explore.requests[0]` must be an integer ≥ 2"),
        ("[values]\na = 1\nb = [[1]]\n", "3: `values.b[0]` must be true or false or an integer or a number or a string, not an array"),
        ("[headers]\nx = 3\n", "2: `headers.x` must be a string, not an integer"),
        ('[headers]\n"x y" = ""\n', "2: `x y` is not a header name"),
        ('[headers]\nx = "a\\nb"\n', "2: the value of header `x` has a character no header can carry"),
        ("[app]\nenv = { A = 1979-05-27 }\n", "2: `app.env.A` must be a string, not a date"),
        ('[[scenario]]\nname = "a"\n', "1: `scenario[0]` needs `racers`"),
        (RACER + RACER, "5: a second scenario `a`: give it a name of its own"),
        ('[[scenario]]\nname = "a"\nracers = [\n  "GET",\n]\n', "4: `GET` is not a request: write `METHOD /target` with a body after it, if any"),
        ('[[scenario]]\nname = "a"\nracers = ["GET a"]\n', "3: `a` is not a target: start it with `/` and percent-encode the rest"),
        ('[[scenario]]\nname = "a"\nracers = ["G(T /"]\n', "3: `G(T` is not a method: write `METHOD /target`"),
        (
            '[[scenario]]\nname = "a"\nracers = [{ method = "GET", target = "/", body = "", json = 1 }]\n',
            "3: a request has one body: keep one of `body`, `json` and `form`",
        ),
        ("[values]\n# one\nx = '${NOPE}'\n", "3: the environment has no variable `NOPE`: set it, or write `$${NOPE}` to mean the text"),
        ("[values]\nx = \n", "2:5: not TOML: Invalid value"),
        ("[values]\nx = '''\n", "3: not TOML: Expected \"'''\""),
    ],
)  # fmt: skip
def test_a_mistake_names_file_line_and_mend(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ProjectError) as caught:
        load(write(tmp_path, text), environ={})
    assert str(caught.value).startswith(f"{tmp_path}/deadheat.toml:{said}")


def test_an_unknown_profile_names_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, "[profile.nightly]\n")
    with pytest.raises(ProjectError, match=r"no profile `nightli`; did you mean `nightly`\?"):
        load(tmp_path, profile="nightli")


def test_the_schema_agrees_with_the_reader(tmp_path: Path) -> None:
    published = schema()
    jsonschema.Draft202012Validator.check_schema(published)
    valid = jsonschema.Draft202012Validator(published)
    assert valid.is_valid(
        {"scenario": [{"name": "a", "racers": [{"method": "GET", "target": "/", "json": [1]}]}]}
    )
    assert valid.is_valid({"values": {"a": {"b": 1}}, "profile": {"ci": {"replays": 20}}})
    assert not valid.is_valid({"explor": {}})
    assert not valid.is_valid({"explore": {"replays": 3}})
