"""Where a Redis is, and what cannot be stood before."""

import pytest

from deadheat.io.redis_admin import Admin, Server, through
from deadheat.model import TargetError
from tests.servers.redis import redis


def test_a_url_is_read() -> None:
    assert Server.of("redis://localhost") == Server("localhost", 6379)
    assert Server.of("redis://me:p%40ss@127.0.0.1:7000/3") == Server("127.0.0.1", 7000, "me", "p@ss")


def test_the_application_is_led_through_the_proxy() -> None:
    assert through("redis://me:secret@localhost:7000/3?protocol=resp3", 21000) == (
        "redis://me:secret@127.0.0.1:21000/3?protocol=resp3"
    )
    assert through("redis://localhost", 21000) == "redis://127.0.0.1:21000"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("rediss://localhost", "TLS"),
        ("redis://cache.example", "on this machine only"),
        ("postgres://me@localhost/shop", "is to be redis://"),
        ("redis+unix:///run/redis.sock", "is to be redis://"),
    ],
)
def test_a_redis_that_cannot_be_stood_before_is_refused(url: str, says: str) -> None:
    with pytest.raises(TargetError, match=says):
        Server.of(url)


@pytest.mark.rocket
def test_it_logs_in_and_refuses_a_cluster() -> None:
    with redis("--requirepass", "secret") as server:
        admin = Admin(Server.of(server.url))
        assert admin.blocked() == frozenset()
        admin.close()
        with pytest.raises(TargetError, match="NOAUTH"):
            Admin(Server("127.0.0.1", server.port))
    with redis("--cluster-enabled", "yes") as server, pytest.raises(TargetError, match="cluster"):
        Admin(Server.of(server.url))
    with pytest.raises(TargetError, match="cannot be reached"):
        Admin(Server.of(server.url))
