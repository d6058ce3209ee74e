"""Where a request can be held at a database, a file or another service, and what its step does."""

import pytest

from deadheat.model import AccessKind, Site, SiteKind
from deadheat.probe import apply, plan
from tests.rust.programs import program

HEAD = """\
use rocket::{get, post, launch, routes, State};
use sqlx::{SqlitePool, Transaction, Sqlite};
"""
TAIL = """
#[launch]
fn rocket() -> _ { rocket::build().mount("/", routes![act]) }
"""


def steps(body: str, *, more: str = "", given: str = "pool: &State<SqlitePool>") -> list[Site]:
    source = f'{HEAD}{more}\n#[post("/")]\nasync fn act({given}) {{\n{body}\n}}\n{TAIL}'
    return [site for site in program(source).sites if site.kind is not SiteKind.BUILD]


def told(found: list[Site]) -> list[tuple[str, str | None, bool]]:
    return [(site.operation, site.state, site.effect is AccessKind.READ) for site in found]


def test_statements_by_their_tables() -> None:
    found = steps("""
        let left: i64 = sqlx::query_scalar("SELECT stock FROM items WHERE name = $1").bind(1)
            .fetch_one(pool.inner()).await.unwrap();
        sqlx::query!("UPDATE items SET stock = stock - 1").execute(pool.inner()).await.unwrap();
        sqlx::query("INSERT INTO orders (item) VALUES (1)").execute(pool.inner()).await.unwrap();
    """)
    assert told(found) == [
        ("SELECT items", "database:items", True),
        ("UPDATE items", "database:items", False),
        ("INSERT INTO orders", "database:orders", False),
    ]
    assert [(site.wide, site.writer, site.inside) for site in found] == [
        (False, False, False), (False, True, False), (False, True, False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1 FROM a JOIN b ON a.x = b.x",
        "SELECT x FROM a WHERE y IN (SELECT y FROM b)",
        "UPDATE a SET x = (SELECT max(x) FROM b)",
        "INSERT INTO a (x) SELECT x FROM b",
        "SELECT take_one(x) FROM a",
        "WITH b AS (DELETE FROM c RETURNING 1) SELECT x FROM a",
        "DELETE FROM a; DELETE FROM b",
    ],
)
def test_a_statement_that_may_touch_more_than_its_table_may_touch_anything(text: str) -> None:
    (site,) = steps(f'sqlx::query("{text}").execute(pool.inner()).await.unwrap();')
    assert site.wide, "a wrong independence would make the search unsound"


def test_text_that_is_made_at_run_time_may_do_anything() -> None:
    (site,) = steps("let text = make(); sqlx::query(&text).execute(pool.inner()).await.unwrap();")
    assert (site.wide, site.effect) == (True, AccessKind.WRITE)
    assert not site.writer, "perhaps it only reads: nothing keeps it waiting"


def test_a_transaction_begins_unseen_and_ends_in_a_step() -> None:
    found = steps("""
        let mut tx = pool.begin().await.unwrap();
        sqlx::query("UPDATE items SET stock = 1").execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    """)
    assert [(site.operation, site.wide, site.inside) for site in found] == [
        ("UPDATE items", True, True),
        ("COMMIT", True, False),
    ]


def test_the_end_of_a_transaction_that_the_caller_began() -> None:
    found = steps(
        "let mut tx = pool.begin().await.unwrap(); finish(tx).await;",
        more="async fn finish(tx: Transaction<'_, Sqlite>) { tx.commit().await.unwrap(); }",
    )
    assert [site.operation for site in found] == ["COMMIT"]


def test_a_helper_on_a_connection_is_in_a_transaction_only_where_there_are_some() -> None:
    helper = """async fn take(conn: &mut sqlx::SqliteConnection) {
        sqlx::query("UPDATE items SET stock = 1").execute(conn).await.unwrap();
    }"""
    (alone,) = steps("take(&mut pool.acquire().await.unwrap()).await;", more=helper)
    assert not alone.wide
    inside, _ = steps(
        "let mut tx = pool.begin().await.unwrap(); take(&mut tx).await; tx.commit().await.unwrap();",
        more=helper,
    )
    assert inside.wide


@pytest.mark.parametrize(
    "declared",
    [
        "CREATE TABLE orders (item text REFERENCES items (name))",
        "CREATE TRIGGER t AFTER INSERT ON orders BEGIN DELETE FROM items; END",
        "CREATE OR REPLACE VIEW orders AS SELECT 1",
    ],
)
def test_keys_triggers_and_views_reach_further(declared: str) -> None:
    insert = 'sqlx::query("INSERT INTO orders (item) VALUES (1)").execute(pool.inner()).await.unwrap();'
    (site,) = steps(insert, more=f'const TABLES: &str = "{declared}";')
    assert site.wide
    (plain,) = steps(insert, more='const TABLES: &str = "CREATE TABLE orders (item text)";')
    assert not plain.wide


def edited(source: str) -> str:
    text = source.encode()
    found = [site for site in program(source).sites if site.kind is not SiteKind.BUILD]
    return apply(plan(found, {"src/main.rs": text}), {"src/main.rs": text})["src/main.rs"].decode()


def test_the_probe_of_a_commit_stands_at_the_end_of_the_closure() -> None:
    source = f"""{HEAD}
#[post("/")]
async fn act(conn: Db) {{
    conn.run(move |c| c.transaction(|c| {{
        diesel::sql_query("UPDATE items SET stock = 1").execute(c)?;
        Ok(1)
    }})).await;
}}
{TAIL}"""  # noqa: S608 - a program, not a query
    text = edited(source)
    assert "conn.run(::deadheat_probe::inherit_" in text
    assert "(|c| {::deadheat_probe::after({" in text
    assert "Ok(1)\n    }, ::deadheat_probe::hit(" in text
    assert "statement(" in text
    assert text.count("\n") == source.count("\n")


def test_the_block_of_a_future_too() -> None:
    text = edited(f"""{HEAD}
#[post("/")]
async fn act(mut conn: Db) {{
    conn.transaction(|c| async move {{ note(c).await }}.scope_boxed()).await;
}}
{TAIL}""")
    assert "async move {::deadheat_probe::after({ note(c).await }, ::deadheat_probe::hit(1))}" in text


def test_files_are_one_resource_and_other_services_any() -> None:
    source = f"""{HEAD}
#[post("/")]
async fn act() {{
    let text = std::fs::read_to_string("a.txt").unwrap();
    std::fs::rename("a.txt", "b.txt").unwrap();
    let client = reqwest::Client::new();
    client.post("http://elsewhere/").send().await.unwrap();
}}
{TAIL}"""
    found = [site for site in program(source).sites if site.kind is not SiteKind.BUILD]
    read, rename, asked = found
    assert (read.kind, read.effect, read.domain) == (SiteKind.FILE, AccessKind.READ, "files")
    assert (rename.effect, rename.domain, rename.wide) == (AccessKind.WRITE, "files", False)
    assert (asked.kind, asked.wide) == (SiteKind.EXTERNAL, True)
    made = plan(found, {"src/main.rs": source.encode()})
    assert [point.resource for point in made.points] == [1, 1, 0]
