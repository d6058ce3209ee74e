"""DH492: a row is inserted, and "the last row" is read back for its id. Covers P51."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context
from deadheat.rules.queries import Shape, pairs
from deadheat.rules.query_report import report
from deadheat.rules.rule import Example, Rule

_STORY = (
    "{one} inserts into `{state}` in {check} and asks for the last row in {act}{wide}. "
    "Request A ({one}) inserts; request B ({other}) inserts too; A asks, and is told about B's row."
)


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Pairs of this shape."""
    for pair in pairs(context.program, Shape.LAST_ROW):
        yield report(rule, context, pair, _STORY, "inserts the row")


RULE = Rule(
    code="DH492",
    name="last-row-read-back",
    title="last row read back",
    cwe=(362,),
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    impact=(
        Impact.INCONSISTENT_STATE,
        Impact.AUTHORIZATION_BYPASS,
    ),
    summary="After an insert the newest row is read back for its id: it may be the row of another request.",
    explanation="""\
The handler inserts a row and asks for the last one to learn its id. By then another request may have
inserted too, and the answer is that request's row; the handler goes on to work on, or to hand out,
somebody else's data:

    A: INSERT          id 7
    B: INSERT          id 8
    A: the last id?    8

`last_insert_rowid()` and its kin are right only on the connection that inserted; on a pool each statement
may get another one. Every driver can tell the id from the insert itself.""",
    invalid=(
        Example(
            "last_insert_rowid on a pool",
            """\
use rocket::{post, State};
use sqlx::SqlitePool;

#[post("/order/<item>")]
async fn order(item: i64, pool: &State<SqlitePool>) -> Result<String, sqlx::Error> {
    sqlx::query("INSERT INTO orders (item) VALUES (?)").bind(item).execute(pool.inner()).await?;
    let id: i64 = sqlx::query_scalar("SELECT last_insert_rowid()").fetch_one(pool.inner()).await?;
    Ok(id.to_string())
}
""",
        ),
        Example(
            "the newest id",
            """\
use diesel::prelude::*;
use rocket::{post, serde::json::Json};

diesel::table! {
    orders (id) {
        id -> Integer,
        item -> Integer,
    }
}

#[post("/order/<item>")]
async fn order(item: i32, conn: Db) -> QueryResult<String> {
    conn.run(move |c| {
        diesel::insert_into(orders::table).values(orders::item.eq(item)).execute(c)?;
        let id = orders::table.select(orders::id).order(orders::id.desc()).first::<i32>(c)?;
        Ok(id.to_string())
    })
    .await
}
""",
        ),
    ),
    valid=(
        Example(
            "RETURNING",
            """\
use diesel::prelude::*;
use rocket::{post, serde::json::Json};

diesel::table! {
    orders (id) {
        id -> Integer,
        item -> Integer,
    }
}

#[post("/order/<item>")]
async fn order(item: i32, conn: Db) -> QueryResult<String> {
    conn.run(move |c| {
        let id = diesel::insert_into(orders::table)
            .values(orders::item.eq(item))
            .returning(orders::id)
            .get_result::<i32>(c)?;
        Ok(id.to_string())
    })
    .await
}
""",
        ),
        Example(
            "the id from the result of the insert",
            """\
use rocket::{post, State};
use sqlx::SqlitePool;

#[post("/order/<item>")]
async fn order(item: i64, pool: &State<SqlitePool>) -> Result<String, sqlx::Error> {
    let done = sqlx::query("INSERT INTO orders (item) VALUES (?)").bind(item).execute(pool.inner()).await?;
    let id = done.last_insert_rowid();
    Ok(id.to_string())
}
""",
        ),
    ),
    fixes=(
        Fix(
            "`INSERT … RETURNING id`",
            Safety.UNSAFE,
            "the id comes from the statement that made the row",
            "MySQL has no RETURNING; use the driver's last_insert_id of that result",
        ),
        Fix(
            "take the id from the result of the insert (`last_insert_rowid()` of sqlx and rusqlite)",
            Safety.UNSAFE,
            "it belongs to this connection and this statement",
            "none worth naming",
        ),
    ),
    check=check,
)
