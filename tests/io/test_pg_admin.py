"""Our own session on the database: which URLs it takes, how it logs in, what it sees."""

import pytest

from deadheat.io.pg_admin import Admin, Database, through
from deadheat.model import TargetError
from tests.servers.postgres import postgres


def test_a_url_is_read() -> None:
    database = Database.of("postgres://a%40b:p%2Fw@localhost/shop")
    assert database == Database("localhost", 5432, "a@b", "p/w", "shop")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("mysql://root@localhost/shop", "is to be postgres://"),
        ("postgres://localhost/shop", "is to be postgres://"),
        ("postgres://me@db.example/shop", "on this machine only"),
    ],
)
def test_a_database_that_cannot_be_stood_before_is_refused(url: str, why: str) -> None:
    with pytest.raises(TargetError, match=why):
        Database.of(url)


def test_the_application_is_led_through_the_proxy() -> None:
    url = through("postgres://me:pw@localhost:5433/shop?sslmode=prefer&application_name=a", 21_000)
    assert url == "postgres://me:pw@127.0.0.1:21000/shop?sslmode=prefer&application_name=a"


def test_a_demand_for_tls_does_not_reach_the_application() -> None:
    url = through("postgres://me@localhost/shop?sslmode=verify-full&sslrootcert=ca.pem&a=b", 21_000)
    assert url == "postgres://me@127.0.0.1:21000/shop?a=b"


@pytest.mark.rocket
@pytest.mark.parametrize("method", ["scram-sha-256", "password"])
def test_it_logs_in_with_a_password(method: str) -> None:
    with postgres() as server:
        server.sql("CREATE ROLE ada LOGIN PASSWORD 'pencil'")
        rules = server.folder / "data" / "pg_hba.conf"
        rules.write_text(f"host all ada 127.0.0.1/32 {method}\n{rules.read_text()}")
        server.sql("SELECT pg_reload_conf()")
        database = Database("127.0.0.1", server.port, "ada", "pencil", "postgres")
        admin = Admin(database)
        assert admin.rows("SELECT 1, NULL") == [("1", None)]
        (pid,) = admin.rows("SELECT pg_backend_pid()")[0]
        assert admin.blockers(int(pid or 0)) == frozenset()
        admin.close()
        with pytest.raises(TargetError, match="refused the login"):
            Admin(Database("127.0.0.1", server.port, "ada", "wrong", "postgres"))
