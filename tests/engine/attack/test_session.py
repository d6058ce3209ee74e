"""Who asks: logins, cookies, values."""

import pytest
from msgspec import structs

from deadheat.engine.attack.session import Sessions, refers, taken
from deadheat.model import DeadheatError, Extract, Preparation, Principal, Request, Response, Source

LOGIN = Request("POST", "/login", body=b'{"pin": "{pin}"}')
ADA = Principal(
    "ada",
    (Preparation(LOGIN, (Extract("token", Source.JSON, "/user/token"),)),),
    (("authorization", "Bearer {token}"),),
    (("pin", "4711"),),
)


def test_a_login_binds_and_cookies_stay() -> None:
    asked: list[Request] = []

    def ask(request: Request) -> Response:
        asked.append(request)
        return Response(200, (("Set-Cookie", "s=1; Path=/; HttpOnly"),), b'{"user": {"token": "t0"}}')

    sessions = Sessions({"ada": ADA}, seed=5)
    sessions.log_in(["ada", None, "ada"], ask)
    bound = sessions.bound(Request("GET", "/x/{token}/{other}?{seed}", principal="ada"))
    assert [request.body for request in asked] == [b'{"pin": "4711"}']
    assert bound.target == "/x/t0/{other}?5"
    assert bound.headers == (("authorization", "Bearer t0"), ("cookie", "s=1"))
    assert sessions.bound(Request("GET", "/")).headers == ()
    assert sessions.secrets == ("1", "t0")
    sessions.forget()
    sessions.log_in(["ada"], ask)
    assert len(asked) == 2


def test_a_refused_login_is_told() -> None:
    sessions = Sessions({"ada": ADA})
    with pytest.raises(DeadheatError, match="POST /login was answered 403 'no'"):
        sessions.log_in(["ada"], lambda _: Response(403, (), b"no"))
    with pytest.raises(DeadheatError, match="no principal 'eve'"):
        sessions.log_in(["eve"], lambda _: Response(200))


ANSWER = Response(
    200, (("X-Token", "h"), ("Set-Cookie", "sid=c; Secure")), b'{"a/b": [{"n": 3}], "code": "Z9"}'
)


@pytest.mark.parametrize(
    ("source", "expression", "value"),
    [
        (Source.HEADER, "x-token", "h"),
        (Source.COOKIE, "sid", "c"),
        (Source.JSON, "/a~1b/0/n", "3"),
        (Source.REGEX, r'code": "(\w+)', "Z9"),
        (Source.REGEX, r"Z\d", "Z9"),
    ],
)
def test_values_are_taken(source: Source, expression: str, value: str) -> None:
    assert taken(Extract("x", source, expression), ANSWER, "GET /") == value


@pytest.mark.parametrize("source", Source)
def test_what_is_not_there_is_told(source: Source) -> None:
    with pytest.raises(DeadheatError, match=f"has no {source.value} '/nope'"):
        taken(Extract("x", source, "/nope"), structs.replace(ANSWER, body=b"[]"), "GET /")


def test_references_are_seen_wherever_they_stand() -> None:
    assert refers(Request("GET", "/{round}"), "round")
    assert refers(Request("GET", "/", body=b"{round}"), "round")
    assert refers(Request("GET", "/", (("x", "{round}"),)), "round")
    assert not refers(Request("GET", "/round"), "round")
