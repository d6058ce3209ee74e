"""DH410: a column is read, worked on in the application, and written back. Covers P41."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context
from deadheat.rules.queries import Shape, pairs
from deadheat.rules.query_report import report
from deadheat.rules.rule import Example, Rule

_STORY = (
    "{one} reads `{state}` in {check} and writes a value computed from it in {act}{wide}. "
    "Request A ({one}) reads; request B ({other}) reads the same row and writes its own value; A writes: "
    "what B wrote is gone."
)


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Pairs of this shape."""
    for pair in pairs(context.program, Shape.LOST_UPDATE):
        yield report(rule, context, pair, _STORY, "reads the old value")


RULE = Rule(
    code="DH410",
    name="row-read-modify-write",
    title="row read-modify-write",
    cwe=(362,),
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    impact=(
        Impact.DATA_CORRUPTION,
        Impact.AUTHORIZATION_BYPASS,
    ),
    summary="A column is loaded, worked on and written back: a change made in between is lost.",
    explanation="""\
The handler selects a value, computes a new one from it and writes that. The database runs each statement
perfectly; what it cannot know is that the second one relies on the first. Another request may read the
same old value before either writes:

    A: SELECT balance      100
    B: SELECT balance      100
    A: UPDATE balance = 90
    B: UPDATE balance = 90     20 were paid out, 10 are gone

A transaction around both does not help at the default isolation level: READ COMMITTED lets B commit
between A's statements. Let the database compute the new value, lock the row while you compute, or write
only if the row is still the one you read.""",
    invalid=(
        Example(
            "a balance read, reduced and written",
            """\
use rocket::{post, State};
use sqlx::PgPool;

#[derive(sqlx::FromRow)]
struct Account { id: i64, balance: i64 }

#[post("/withdraw/<id>/<amount>")]
async fn withdraw(id: i64, amount: i64, pool: &State<PgPool>) -> Result<(), sqlx::Error> {
    let account = sqlx::query_as::<_, Account>("SELECT id, balance FROM accounts WHERE id = $1")
        .bind(id)
        .fetch_one(pool.inner())
        .await?;
    sqlx::query("UPDATE accounts SET balance = $1 WHERE id = $2")
        .bind(account.balance - amount)
        .bind(id)
        .execute(pool.inner())
        .await?;
    Ok(())
}
""",
        ),
        Example(
            "a counter in diesel",
            """\
use diesel::prelude::*;
use rocket::post;

diesel::table! {
    links (id) {
        id -> Integer,
        clicks -> Integer,
    }
}

#[derive(Queryable)]
struct Link { id: i32, clicks: i32 }

#[post("/click/<id>")]
async fn click(id: i32, conn: Db) -> QueryResult<usize> {
    conn.run(move |c| {
        let link = links::table.find(id).first::<Link>(c)?;
        diesel::update(links::table.find(id)).set(links::clicks.eq(link.clicks + 1)).execute(c)
    })
    .await
}
""",
        ),
        Example(
            "the same inside a transaction at default isolation",
            """\
use rocket::{post, State};
use sqlx::PgPool;

#[derive(sqlx::FromRow)]
struct Account { id: i64, balance: i64 }

#[post("/withdraw/<id>/<amount>")]
async fn withdraw(id: i64, amount: i64, pool: &State<PgPool>) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin().await?;
    let account = sqlx::query_as::<_, Account>("SELECT id, balance FROM accounts WHERE id = $1")
        .bind(id)
        .fetch_one(&mut *tx)
        .await?;
    sqlx::query("UPDATE accounts SET balance = $1 WHERE id = $2")
        .bind(account.balance - amount)
        .bind(id)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}
""",
        ),
    ),
    valid=(
        Example(
            "the database computes",
            """\
use rocket::{post, State};
use sqlx::PgPool;

#[post("/withdraw/<id>/<amount>")]
async fn withdraw(id: i64, amount: i64, pool: &State<PgPool>) -> Result<bool, sqlx::Error> {
    let done = sqlx::query("UPDATE accounts SET balance = balance - $1 WHERE id = $2 AND balance >= $1")
        .bind(amount)
        .bind(id)
        .execute(pool.inner())
        .await?;
    Ok(done.rows_affected() == 1)
}
""",
        ),
        Example(
            "`FOR UPDATE` holds the row to the end of the transaction",
            """\
use rocket::{post, State};
use sqlx::PgPool;

#[derive(sqlx::FromRow)]
struct Account { id: i64, balance: i64 }

#[post("/withdraw/<id>/<amount>")]
async fn withdraw(id: i64, amount: i64, pool: &State<PgPool>) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin().await?;
    let account = sqlx::query_as::<_, Account>("SELECT id, balance FROM accounts WHERE id = $1 FOR UPDATE")
        .bind(id)
        .fetch_one(&mut *tx)
        .await?;
    sqlx::query("UPDATE accounts SET balance = $1 WHERE id = $2")
        .bind(account.balance - amount)
        .bind(id)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}
""",
        ),
        Example(
            "diesel computes in SQL",
            """\
use diesel::prelude::*;
use rocket::post;

diesel::table! {
    links (id) {
        id -> Integer,
        clicks -> Integer,
    }
}

#[derive(Queryable)]
struct Link { id: i32, clicks: i32 }

#[post("/click/<id>")]
async fn click(id: i32, conn: Db) -> QueryResult<usize> {
    conn.run(move |c| {
        diesel::update(links::table.find(id)).set(links::clicks.eq(links::clicks + 1)).execute(c)
    })
    .await
}
""",
        ),
        Example(
            "a version in the WHERE, and the row count looked at",
            """\
use rocket::{http::Status, post, State};
use sqlx::PgPool;

#[derive(sqlx::FromRow)]
struct Account { id: i64, balance: i64, version: i64 }

#[post("/withdraw/<id>/<amount>")]
async fn withdraw(id: i64, amount: i64, pool: &State<PgPool>) -> Result<Status, sqlx::Error> {
    let account = sqlx::query_as::<_, Account>("SELECT id, balance, version FROM accounts WHERE id = $1")
        .bind(id)
        .fetch_one(pool.inner())
        .await?;
    let update = "UPDATE accounts SET balance = $1, version = version + 1 WHERE id = $2 AND version = $3";
    let done = sqlx::query(update)
        .bind(account.balance - amount)
        .bind(id)
        .bind(account.version)
        .execute(pool.inner())
        .await?;
    if done.rows_affected() == 0 {
        return Ok(Status::Conflict);
    }
    Ok(Status::Ok)
}
""",
        ),
    ),
    fixes=(
        Fix(
            "compute in SQL: `SET n = n - $1 WHERE id = $2 AND n >= $1`, and look at the row count",
            Safety.UNSAFE,
            "one statement is atomic, and its WHERE is evaluated on the row as it is then",
            "a limit has to be put into the WHERE",
        ),
        Fix(
            "`SELECT … FOR UPDATE` in the transaction that writes",
            Safety.UNSAFE,
            "the row stays locked until COMMIT, so nobody reads the old value to change it",
            "requests for the same row wait for each other",
        ),
        Fix(
            "add a version column to the WHERE and retry when no row was changed",
            Safety.UNSAFE,
            "a write on a stale value changes nothing and is noticed",
            "the caller must retry",
        ),
    ),
    check=check,
)
