"""The throwaway PostgreSQL: it answers, and nothing of it is left."""

import os
import subprocess

import pytest

from tests.servers.postgres import postgres

# It needs the server's programs and a second or two, as the tests on real Rocket do that are to use it.
pytestmark = pytest.mark.rocket


def test_it_answers_and_nothing_is_left() -> None:
    with postgres() as server:
        assert server.database("shop") == f"postgres://deadheat@127.0.0.1:{server.port}/shop"
        server.sql("CREATE TABLE items (name text, stock int); INSERT INTO items VALUES ('lamp', 1)", "shop")
        assert server.sql("SELECT * FROM items", "shop") == "lamp|1"
        with pytest.raises(subprocess.CalledProcessError, match="non-zero exit status"):
            server.sql("SELECT * FROM items")
    assert not server.folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)


def test_two_at_once_do_not_meet() -> None:
    with postgres() as one, postgres() as other:
        one.database("shop")
        assert other.sql("SELECT count(*) FROM pg_database WHERE datname = 'shop'") == "0"
