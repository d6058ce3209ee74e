"""A mount whose base only the running application knows."""

import pytest

from deadheat.engine.mounted import settled
from deadheat.io.hold import Mounted
from deadheat.model import Handler, NotTested, Request, Span

AT = Span("src/main.rs", 1, 1, 1, 1)


def served(*uris: str) -> tuple[Mounted, ...]:
    return (Mounted("other", "GET", "/"), *(Mounted("show", "GET", uri) for uri in uris))


@pytest.mark.parametrize(
    ("route", "asked", "uri", "expected"),
    [
        ("/room/<id>", "/room/1", "/room/<id>", "/room/1"),
        ("/room/<id>", "/room/1", "/api/ws/room/<id>", "/api/ws/room/1"),
        ("/room/<id>?<all>", "/room/1?all=true", "/v1/room/<id>?<all>", "/v1/room/1?all=true"),
        ("/", "/", "/api", "/api"),
        ("/", "/?page=1", "/api?<page>", "/api?page=1"),
        ("/room", "/room", "/<tenant>/room", "/room"),  # nobody knows a tenant
    ],
)
def test_the_path_is_the_one_that_is_served(route: str, asked: str, uri: str, expected: str) -> None:
    handler = Handler("app::show", "GET", route, AT)
    assert settled(handler, Request("GET", asked), served(uri)) == Request("GET", expected)


def test_a_choice_is_not_made_and_what_is_not_served_is_not_tested() -> None:
    handler, request = Handler("app::show", "GET", "/room", AT), Request("GET", "/room")
    assert settled(handler, request, served("/a/room", "/b/room")) == request
    assert settled(handler, request, ()) == request
    assert isinstance(settled(handler, request, served()), NotTested)
