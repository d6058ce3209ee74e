"""What deadheat.toml says of attacks: targets, principals, scenarios; and how mistakes are told."""

from pathlib import Path

import jsonschema
import pytest

from deadheat.io.config import load, schema
from deadheat.model import (
    CommandProbe,
    Extract,
    Origin,
    Preparation,
    Principal,
    ProjectError,
    Racer,
    Request,
    Source,
    SqlProbe,
    Target,
)

WHOLE = """\
[attack]
requests = 500
rate = 50
[[target]]
url = "https://staging.example"
authorisation = "ticket SEC-12, agreed with operations"
requests = 200
[principals.ada]
headers = { authorization = "Bearer {token}" }
values = { cart = 7 }
[[principals.ada.login]]
method = "POST"
target = "/login"
json = { pin = "${PIN}" }
extract = { token = { json = "/t" } }
[principals.bob]
[[scenario]]
name = "checkout"
recipe = "limit-overrun"
limit = 1
principal = "ada"
setup = [{ method = "POST", target = "/cart", extract = { id = { regex = "cart (\\\\d+)" } } }]
racers = [
  { method = "POST", target = "/cart/{id}/pay", n = 3, group = "payers" },
  { method = "POST", target = "/cart/{id}/add", principal = "bob", bodies = ["a=1", "a=2"] },
]
probes = [
  "GET /balance",
  { name = "stock", request = "GET /stock", principal = "bob" },
  { name = "rows", sql = "SELECT 1", database = "sqlite:shop.db" },
  { name = "log", command = ["cat", "log"] },
]
reset_command = ["./reset.sh"]
invariants = ["successes <= 1", "state.stock >= 0"]
"""


def write(folder: Path, text: str) -> Path:
    (folder / "deadheat.toml").write_text(text)
    return folder


def test_everything_is_resolved(tmp_path: Path) -> None:
    config = load(write(tmp_path, WHOLE), environ={"PIN": "4711"})
    (scenario,) = config.scenarios
    json = (("content-type", "application/json"),)
    form = (("content-type", "application/x-www-form-urlencoded"),)
    assert (config.attack.requests, config.attack.rate, config.secrets) == (500, 50, ("4711",))
    assert config.targets == (
        Target(Origin("https", "staging.example", 443), "ticket SEC-12, agreed with operations", None, 200),
    )
    login = Request("POST", "/login", json, b'{"pin":"4711"}', "ada")
    assert config.principals == (
        Principal(
            "ada",
            (Preparation(login, (Extract("token", Source.JSON, "/t"),)),),
            (("authorization", "Bearer {token}"),),
            (("cart", "7"),),
        ),
        Principal("bob"),
    )
    assert scenario.racers == (
        Racer(Request("POST", "/cart/{id}/pay", principal="ada"), None, 3, "payers"),
        Racer(Request("POST", "/cart/{id}/add", form, b"a=1", "bob")),
        Racer(Request("POST", "/cart/{id}/add", form, b"a=2", "bob")),
    )
    setting = scenario.setting
    assert setting.extracts == ((Extract("id", Source.REGEX, r"cart (\d+)"),),)
    assert setting.names == ("GET /balance", "stock")
    assert [probe.principal for probe in scenario.probes] == ["ada", "bob"]
    assert setting.sql == (SqlProbe("rows", "sqlite:shop.db", "SELECT 1"),)
    assert setting.commands == (CommandProbe("log", ("cat", "log")),)
    assert (setting.recipe, setting.limit, setting.reset_command) == ("limit-overrun", 1, ("./reset.sh",))
    jsonschema.Draft202012Validator.check_schema(schema())


MESSAGES = """\
[headers]
x-common = "1"
[principals.ada]
[[scenario]]
name = "live"
principal = "ada"
setup = [{ method = "POST", target = "/login", expect = 401 }, "POST /cart"]
racers = [
  { ws = "/live?room=1", message = "redeem X", n = 2, group = "g", headers = { origin = "http://a" } },
  { ws = "/live", json = { redeem = "X" } },
  { ws = "/live", bodies = ["one", "two"] },
]
invariants = ['answers.filter(a, a.body.startsWith("paid")).size() <= 1']
"""


def test_messages_over_websockets_are_racers(tmp_path: Path) -> None:
    (scenario,) = load(write(tmp_path, MESSAGES)).scenarios
    common = (("x-common", "1"),)
    assert scenario.racers == (
        Racer(
            Request("WS", "/live?room=1", (*common, ("origin", "http://a")), b"redeem X", "ada"), None, 2, "g"
        ),
        Racer(Request("WS", "/live", common, b'{"redeem":"X"}', "ada")),
        Racer(Request("WS", "/live", common, b"one", "ada")),
        Racer(Request("WS", "/live", common, b"two", "ada")),
    )
    assert [step.expect for step in scenario.preparations] == [401, None]
    assert [str(step.request) for step in scenario.preparations] == ["POST /login", "POST /cart"]


def ws(racers: str, more: str = "") -> str:
    return f'[[scenario]]\nname = "x"\nracers = [{racers}]\n{more}'


SCENARIO = '[[scenario]]\nname = "x"\nracers = ["GET /a"]\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SCENARIO + 'invariants = ["n == 2", "successes <="]', "4: `successes <=` is not CEL"),
        (SCENARIO + 'invariants = ["succeses == 1"]', "did you mean `successes`"),
        (SCENARIO + 'recipe = "single-use"', "did you mean `single-use-token`"),
        (SCENARIO + 'principal = "ada"', r"no principal `ada`; write \[principals.ada\]"),
        (SCENARIO + 'probes = [{ sql = "SELECT 1", database = "sqlite:x" }]', "needs a `name`"),
        (SCENARIO + 'probes = [{ name = "x", sql = "SELECT 1" }]', "`sql` needs a `database`"),
        (SCENARIO + 'probes = [{ name = "x", sql = "S", database = "mysql:x" }]', "a database is one of"),
        (SCENARIO + 'probes = [{ name = "x" }]', "a probe looks one way"),
        (
            '[[scenario]]\nname = "x"\nracers = [{ method = "GET", target = "/a", count = 2 }]',
            "unknown key `count`",
        ),
        ('[[target]]\nurl = "http://a"', "needs `authorisation`"),
        ('[[target]]\nurl = "http://a"\nauthorisation = "  "', "say who permitted"),
        ('[[target]]\nurl = "ftp://a"\nauthorisation = "x"', "not the address of an HTTP server"),
        (
            '[principals.a]\nlogin = [{ method = "GET", target = "/", extract = { t = {} } }]',
            "from one place",
        ),
        (
            '[principals.a]\nlogin = [{ method = "GET", target = "/", extract = { t = { regex = "(" } } }]',
            "is no expression: .* at character 1",
        ),
        (
            '[principals.a]\nlogin = [{ method = "GET", target = "/", extract = { t = { json = "t" } } }]',
            "write `/t`",
        ),
        ('[principals.a]\nvalues = { round = "x" }', "is no name for a value"),
        (ws('{ method = "GET" }'), "a racer needs `method` and `target`, or `ws` and `message`"),
        (ws('{ message = "x" }'), "name it with `ws`"),
        (ws('{ ws = "/a" }'), "give the message once"),
        (ws('{ ws = "/a", message = "x", json = 1 }'), "give the message once"),
        (ws('{ ws = "a", message = "x" }'), "`a` is not a target"),
        (ws('{ ws = "/a", message = "x", method = "GET" }'), "a message has no `method`"),
        (ws('{ ws = "/a", body = "x" }'), "a message has no `body`"),
        (ws('"WS /a x"'), "a message is a racer"),
        (ws('{ ws = "/a", message = "x" }, "GET /a"'), "are not released together"),
        (
            ws('{ ws = "/a", message = "x" }', 'recipe = "single-use-token"'),
            "recipe `single-use-token` judges by `successes`",
        ),
        (
            ws('{ ws = "/a", message = "x" }', 'invariants = ["successes <= 1"]'),
            "`successes <= 1` judges by `successes`",
        ),
        (
            SCENARIO + 'setup = [{ method = "GET", target = "/", expect = 7 }]',
            "`scenario.0..setup.0..expect` must be",
        ),
    ],
)
def test_a_mistake_is_told_in_place(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=words):
        load(write(tmp_path, text))
