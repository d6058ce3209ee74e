"""Requests from routes: what is synthesised, what is honestly missing, and whether the stubs work."""

import json
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadheat.engine.examples import UnknownTypeError, example, parse
from deadheat.engine.requests import explain_status, foreign_guards, synthesise
from deadheat.engine.routes import handler_of
from deadheat.io.config import parse as parse_config
from deadheat.model import MESSAGE, Guard, Handler, NotTested, Parameter, ParameterKind, Request, Span
from deadheat.model.config import Config, Given

SPAN = Span("src/main.rs", 1, 1, 2, 1)
PATH, QUERY, DATA = ParameterKind.PATH, ParameterKind.QUERY, ParameterKind.DATA


def handler(
    route: str,
    *parameters: Parameter,
    method: str = "GET",
    guards: tuple[str, ...] = (),
    name: str = "redeem",
) -> Handler:
    return Handler(
        f"app::{name}", method, route, SPAN, guards=tuple(map(Guard, guards)), parameters=parameters
    )


def made(handler: Handler, values: Mapping[str, Given] | None = None) -> Request:
    request = synthesise(handler, Config(values=values or {}))
    assert isinstance(request, Request), request
    return request


def missing(handler: Handler, values: Mapping[str, Given] | None = None) -> NotTested:
    told = synthesise(handler, Config(values=values or {}))
    assert isinstance(told, NotTested), told
    return told


def pastes(stub: str) -> Config:
    """Every stub is a valid configuration as it stands."""
    return parse_config(stub, None, {"TOKEN": "t"}, "deadheat.toml")


@pytest.mark.parametrize(
    ("type", "segment"),
    [
        ("u32", "1"), ("NonZeroU8", "1"), ("f64", "1.0"), ("bool", "true"), ("&str", "deadheat"),
        ("&'r str", "deadheat"), ("Cow<'_, str>", "deadheat"), ("std::string::String", "deadheat"),
        ("Option<i64>", "1"), ("Result<u8, &str>", "1"),
        ("rocket::serde::uuid::Uuid", "00000000-0000-4000-8000-000000000001"),
        ("IpAddr", "127.0.0.1"), ("char", "d"), ("Ipv6Addr", "%3A%3A1"),
    ],
)  # fmt: skip
def test_a_path_parameter_by_its_type(type: str, segment: str) -> None:
    assert made(handler("/redeem/<x>", Parameter("x", type, PATH))).target == f"/redeem/{segment}"


def test_parameters_nobody_names_and_trailing_ones() -> None:
    assert made(handler("/a/<_>/<_..>")).target == "/a/deadheat/deadheat"
    files = handler("/files/<path..>", Parameter("path", "PathBuf", PATH))
    assert made(files).target == "/files/deadheat"
    assert made(files, {"path": "a b/c.txt"}).target == "/files/a%20b/c.txt"


def test_the_root_and_a_slash_at_the_end() -> None:
    assert made(handler("/")).target == "/"
    assert made(handler("/a/")).target == "/a/"


def test_the_users_value_wins() -> None:
    redeem = handler("/redeem/<code>", Parameter("code", "&str", PATH), method="POST")
    assert made(redeem, {"code": "WELCOME10"}) == Request("POST", "/redeem/WELCOME10")
    assert made(redeem, {"code": "no", "redeem": {"code": "a/b"}}).target == "/redeem/a%2Fb"


def test_an_empty_segment_is_no_value() -> None:
    redeem = handler("/redeem/<code>", Parameter("code", "&str", PATH))
    assert missing(redeem, {"code": ""}).why == "no value is known for `code` (&str, not empty)"


def test_a_foreign_type_is_missing_until_it_is_given() -> None:
    buy = handler("/buy/<sku>", Parameter("sku", "catalogue::Sku", PATH), name="buy")
    told = missing(buy)
    assert told == NotTested(
        "GET /buy/<sku>", "no value is known for `sku` (Sku)", '[values.buy]\nsku = "SKU"  # Sku'
    )
    assert made(buy, pastes(told.mend).values).target == "/buy/SKU"


def test_a_query() -> None:
    search = handler(
        "/search?<q>&lang=en&<page>&<rest..>",
        Parameter("q", "&str", QUERY),
        Parameter("page", "Option<usize>", QUERY),
        Parameter("rest", "Filter<'_>", QUERY, fields=(("tags", "Vec<String>"), ("owner", "Option<Owner>"))),
    )
    assert (
        made(search, {"q": "a&b = ü"}).target == "/search?q=a%26b%20%3D%20%C3%BC&lang=en&page=1&tags=deadheat"
    )
    assert made(search, {"tags": ["x", "y"]}).target.endswith("&tags=x&tags=y")


def test_a_query_that_only_the_parameters_know() -> None:
    assert made(handler("/a", Parameter("n", "u8", QUERY))).target == "/a?n=1"


TASK = (("title", "String"), ("done", "bool"), ("address.zip", "u32"), ("note", "Option<Note>"))


def test_a_json_body() -> None:
    post = handler("/task", Parameter("task", "Json<Task>", DATA, TASK), method="POST")
    request = made(post, {"title": "ü", "zip": 7})
    assert request.headers == (("content-type", "application/json"),)
    assert json.loads(request.body) == {"title": "ü", "done": True, "address": {"zip": 7}, "note": None}


def test_a_json_body_given_whole() -> None:
    post = handler("/task", Parameter("task", "Json<Task>", DATA, format="json"), method="POST")
    assert json.loads(made(post, {"task": {"title": "a"}}).body) == {"title": "a"}


def test_a_json_list_and_free_json() -> None:
    many = handler("/t", Parameter("t", "Json<Vec<Task>>", DATA, (("id", "u8"),)), method="POST")
    assert json.loads(made(many).body) == [{"id": 1}]
    free = handler("/t", Parameter("t", "Option<Json<serde_json::Value>>", DATA), method="POST")
    assert json.loads(made(free).body) == {}


def test_a_form() -> None:
    post = handler("/task", Parameter("task", "Form<Strict<Task>>", DATA, TASK), method="POST")
    request = made(post, {"title": "a b&c"})
    assert request.headers == (("content-type", "application/x-www-form-urlencoded"),)
    assert request.body == b"title=a%20b%26c&done=true&address.zip=1"


@pytest.mark.parametrize("type", ["String", "&str", "Vec<u8>", "&[u8]", "Data<'_>", "Capped<String>"])
def test_a_plain_body(type: str) -> None:
    post = handler("/note", Parameter("note", type, DATA), method="POST")
    assert made(post).body == b"deadheat"
    assert made(post, {"note": "hello"}).body == b"hello"


def test_every_foreign_field_is_missing_at_once() -> None:
    post = handler(
        "/t", Parameter("t", "Json<T>", DATA, (("a", "A"), ("b", "u8"), ("c", "Vec<C>"))), method="POST"
    )
    told = missing(post)
    assert told.why == "no value is known for `a` (A), `c` (C)"
    assert set(json.loads(made(post, pastes(told.mend).values).body)) == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("type", "fields", "why"),
    [
        ("Json<Task>", (), "no value is known for the body (Task)"),
        ("Signed<Order>", (), "`Signed<Order>` decodes the body in a way of its own"),
        ("Form<Upload<'_>>", (("file", "TempFile<'_>"),), "its form takes a file"),
    ],
)
def test_a_body_that_only_the_user_can_write(
    type: str, fields: tuple[tuple[str, str], ...], why: str
) -> None:
    told = missing(
        handler(
            "/orders/<id>", Parameter("id", "u8", PATH), Parameter("o", type, DATA, fields), method="POST"
        )
    )
    assert told.why.startswith(why)
    (scenario,) = pastes(told.mend).scenarios
    assert [racer.request.target for racer in scenario.racers] == ["/orders/ID", "/orders/ID"]


def test_common_headers_are_sent() -> None:
    config = Config(headers=(("Content-Type", "application/json; charset=utf-8"),))
    request = synthesise(handler("/n", Parameter("n", "String", DATA), method="POST"), config)
    assert isinstance(request, Request)
    assert request.headers == config.headers


def test_guards_that_may_refuse() -> None:
    guarded = handler(
        "/", guards=("&State<Db>", "&'r rocket::Config", "Admin<'_>", "Option<User>", "Shutdown")
    )
    assert foreign_guards(guarded) == (Guard("Admin<'_>"),)
    assert isinstance(synthesise(guarded, Config()), Request)


CODE = Parameter("code", "&str", PATH)


@pytest.mark.parametrize(
    ("route", "parameters", "status", "why"),
    [
        ("/", (), 401, "its guard `Admin` wants to know who asks"),
        ("/r/<code>", (CODE,), 404, "what the path names does not exist"),
        ("/r", (), 404, "what it works on does not exist"),
        ("/r/<code>", (CODE,), 422, "it does not take the values that were made up"),
        ("/r", (), 400, "it does not take the values that were made up"),
        ("/r", (), 405, "no route takes that method there"),
        ("/r", (), 406, "it makes nothing that the request accepts"),
        ("/r", (), 409, "it refuses in the initial state"),
        ("/r", (), 429, "a rate limit counts requests"),
        ("/r", (), 500, "it fails alone, so this is no race"),
        ("/r", (), 503, "something it needs is not there"),
    ],
)
def test_an_answer_that_shows_it_is_not_tested(
    route: str, parameters: tuple[Parameter, ...], status: int, why: str
) -> None:
    refused = handler(route, *parameters, guards=("Admin",))
    told = explain_status(refused, status, b"X: no such coupon", made(refused))
    assert told is not None
    assert told.why.startswith(f'a single request was answered {status} "X: no such coupon": {why}')
    assert pastes(told.mend) != Config()


def test_an_answer_that_shows_it_at_work() -> None:
    assert explain_status(handler("/"), 200) is None
    assert explain_status(handler("/"), 303) is None


def test_an_error_page_is_not_quoted() -> None:
    told = explain_status(handler("/"), 500, b"<!DOCTYPE html>")
    assert told is not None
    assert '"' not in told.why


def test_the_most_specific_route_gets_the_request() -> None:
    routes = [
        handler(route, name=route)
        for route in ("/<a>/<b>", "/coupons/<rest..>", "/coupons/<id>", "/coupons/x")
    ]
    reached = {
        target: found.route if (found := handler_of(Request("GET", target), routes)) else None
        for target in ("/coupons/x?y=1", "/coupons/1", "/a/b", "/coupons/1/2", "/coupons", "/")
    }
    assert reached == {
        "/coupons/x?y=1": "/coupons/x",
        "/coupons/1": "/coupons/<id>",
        "/a/b": "/<a>/<b>",
        "/coupons/1/2": "/coupons/<rest..>",
        "/coupons": "/coupons/<rest..>",
        "/": None,
    }
    assert handler_of(Request("POST", "/coupons/x"), routes) is None


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Option<Vec<(u8, [f32; 4])>>", "Option<Vec<(u8, [f32])>>"),
        ("&'static mut std::collections::HashMap<String, serde_json::Value>", "HashMap<String, Value>"),
        ("dyn Fn(u8) -> bool", "Fn<u8>"),
        ("", ""),
    ],
)
def test_types_as_they_are_written(written: str, read: str) -> None:
    assert str(parse(written)) == read


@given(st.text(alphabet="<>()[],;&' :abu8OptionVec", max_size=30))
def test_any_text_is_some_type(text: str) -> None:
    try:
        example(parse(text))
    except UnknownTypeError:
        pass


@given(path=st.text(min_size=1), tail=st.lists(st.text(min_size=1)), query=st.text())
def test_a_target_is_valid_and_decodes_to_the_values(path: str, tail: list[str], query: str) -> None:
    tail = [text for text in (text.replace("/", "") for text in tail) if text]
    parameters = (
        Parameter("path", "&str", PATH),
        Parameter("tail", "PathBuf", PATH),
        Parameter("query", "&str", QUERY),
    )
    values = {"path": path, "tail": "/".join(tail), "query": query}
    target = made(handler("/a/<path>/<tail..>?<query>", *parameters), values).target
    assert target.isascii()
    assert target.isprintable()
    assert " " not in target
    assert "#" not in target
    sent, _, fields = target.partition("?")
    assert [unquote(text) for text in sent.split("/")] == ["", "a", path, *tail]
    assert parse_qsl(fields, keep_blank_values=True, strict_parsing=True) == [("query", query)]


@given(st.dictionaries(st.sampled_from(["title", "a.b", "a.c"]), st.text(min_size=1), min_size=1))
def test_a_form_decodes_to_the_values(values: dict[str, str]) -> None:
    fields = tuple((name, "String") for name in values)
    body = made(handler("/f", Parameter("f", "Form<F>", DATA, fields), method="POST"), values).body
    assert dict(parse_qsl(body.decode(), strict_parsing=True)) == values


def test_a_handler_that_opens_a_websocket_is_sent_a_message() -> None:
    hall = handler("/hall/<n>", Parameter("n", "u32", PATH), guards=("ws::WebSocket", "&State<Hall>"))
    assert made(hall) == Request(MESSAGE, "/hall/1", (), b"deadheat")
    assert made(hall, {"redeem": {"message": "A1"}}).body == b"A1"
    assert handler_of(made(hall), [hall]) is hall
