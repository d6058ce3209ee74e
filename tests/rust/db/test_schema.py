"""What must be unique, after all migrations."""

from deadheat.rust.db.schema import Schema

UP = b"""CREATE TABLE users (id SERIAL PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT,
 UNIQUE (name, email));"""


def test_constraints_of_every_form() -> None:
    schema = Schema(
        {}, {"migrations/1/up.sql": UP, "migrations/2/up.sql": b"create unique index ix on users (name)"}
    )
    assert schema.unique("users", {"email"})
    assert schema.unique("users", {"name"})
    assert schema.unique("users", {"id", "name"})
    assert schema.unique("users", {"password"}) is False


def test_a_later_migration_takes_it_back() -> None:
    down = b"ALTER TABLE users DROP CONSTRAINT users_email_key;"
    schema = Schema({}, {"migrations/2/up.sql": down, "migrations/1/up.sql": UP})
    assert schema.unique("users", {"email"}) is False


def test_the_way_down_does_not_count() -> None:
    schema = Schema({}, {"migrations/1/up.sql": UP, "migrations/1/down.sql": b"DROP TABLE users;"})
    assert schema.unique("users", {"email"})


def test_an_index_of_mysql_is_dropped() -> None:
    schema = Schema(
        {},
        {
            "m/1.sql": b"create table ips (id int not null auto_increment primary key, ip varchar(20));"
            b"create unique index ix_ip on ips (ip);",
            "m/2.sql": b"ALTER TABLE ips DROP KEY ix_ip;",
        },
    )
    assert schema.unique("ips", {"ip"}) is False


def test_nobody_tells() -> None:
    assert Schema({}, {}).unique("users", {"email"}) is None
    macro = b'diesel::table! { users (id) { id -> Integer, #[sql_name = "type"] atype -> Text, } }'
    schema = Schema({"src/schema.rs": macro}, {})
    assert schema.unique("users", {"email"}) is None
    assert schema.unique("users", {"id"})
    assert list(schema.tables["users"].columns) == ["id", "atype"]


def test_a_table_made_by_the_program_itself() -> None:
    source = b'fn init(c: &Connection) { c.execute_batch("CREATE TABLE IF NOT EXISTS t (a TEXT UNIQUE)"); }'
    assert Schema({"src/main.rs": source}, {}).unique("t", {"a"})


def test_broken_sql_promises_nothing() -> None:
    assert Schema({}, {"m/1.sql": b"CREATE TABLE ((( ; CREATE TABLE t (a INT UNIQUE);"}).unique("t", {"a"})
