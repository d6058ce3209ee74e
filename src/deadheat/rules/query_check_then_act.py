"""DH430: a row is checked, and changed in a later statement; default isolation does not help. Covers P43."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context
from deadheat.rules.queries import Shape
from deadheat.rules.query_report import report, sifted
from deadheat.rules.rule import Example, Rule

_STORY = (
    "{one} decides on `{state}` in {check} and acts in {act}{wide}. "
    "Request A ({one}) reads; request B ({other}) reads the same and acts; A acts on what is no longer true."
)


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Pairs of this shape."""
    for pair, again in sifted(context, Shape.CHECK_ACT):
        yield report(rule, context, pair, _STORY, "reads what decides", again=again)


RULE = Rule(
    code="DH430",
    name="query-check-then-act",
    title="query check-then-act",
    cwe=(
        367,
        362,
    ),
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    impact=(
        Impact.AUTHORIZATION_BYPASS,
        Impact.DATA_CORRUPTION,
    ),
    summary="A decision is made on a row that another request may change before it is acted on.",
    explanation="""\
The handler reads a row, decides on what it says, and then changes it. Each statement is atomic; the
decision is not. Sent twice at once, both requests see the row as it was:

    A: SELECT used    false
    B: SELECT used    false
    A: UPDATE used = true
    B: UPDATE used = true     redeemed twice

A transaction makes the two statements end together. It does not make the row stand still in between: at
READ COMMITTED, and for this purpose at MySQL's REPEATABLE READ, the other transaction commits right
there. Put the condition into the statement that acts and look at how many rows it changed, or lock the
row when you read it.""",
    invalid=(
        Example(
            "a coupon",
            """\
use rocket::{http::Status, post, State};
use sqlx::PgPool;

#[derive(sqlx::FromRow)]
struct Coupon { id: i64, used: bool }

async fn pay() {}

#[post("/redeem/<code>")]
async fn redeem(code: &str, pool: &State<PgPool>) -> Result<Status, sqlx::Error> {
    let coupon = sqlx::query_as::<_, Coupon>("SELECT id, used FROM coupons WHERE code = $1")
        .bind(code)
        .fetch_one(pool.inner())
        .await?;
    if coupon.used {
        return Ok(Status::Gone);
    }
    pay().await;
    sqlx::query("UPDATE coupons SET used = true WHERE id = $1").bind(coupon.id).execute(pool.inner()).await?;
    Ok(Status::Ok)
}
""",
        ),
        Example(
            "a transaction at default isolation",
            """\
use rocket::{http::Status, post, State};
use sqlx::PgPool;

#[derive(sqlx::FromRow)]
struct Coupon { id: i64, used: bool }

async fn pay() {}

#[post("/redeem/<code>")]
async fn redeem(code: &str, pool: &State<PgPool>) -> Result<Status, sqlx::Error> {
    let mut tx = pool.begin().await?;
    let coupon = sqlx::query_as::<_, Coupon>("SELECT id, used FROM coupons WHERE code = $1")
        .bind(code)
        .fetch_one(&mut *tx)
        .await?;
    if coupon.used {
        return Ok(Status::Gone);
    }
    pay().await;
    sqlx::query("UPDATE coupons SET used = true WHERE id = $1").bind(coupon.id).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(Status::Ok)
}
""",
        ),
        Example(
            "rusqlite, statement by statement",
            """\
use rocket::{http::Status, post};

#[post("/redeem/<code>")]
async fn redeem(code: String, db: Db) -> Result<Status, rusqlite::Error> {
    db.run(move |conn| {
        let used: bool =
            conn.query_row("SELECT used FROM coupons WHERE code = ?1", [&code], |row| row.get(0))?;
        if used {
            return Ok(Status::Gone);
        }
        conn.execute("UPDATE coupons SET used = 1 WHERE code = ?1", [&code])?;
        Ok(Status::Ok)
    })
    .await
}
""",
        ),
    ),
    valid=(
        Example(
            "the condition is in the UPDATE, and its row count is looked at",
            """\
use rocket::{http::Status, post, State};
use sqlx::PgPool;

#[post("/redeem/<code>")]
async fn redeem(code: &str, pool: &State<PgPool>) -> Result<Status, sqlx::Error> {
    let done = sqlx::query("UPDATE coupons SET used = true WHERE code = $1 AND used = false")
        .bind(code)
        .execute(pool.inner())
        .await?;
    if done.rows_affected() == 0 {
        return Ok(Status::Gone);
    }
    Ok(Status::Ok)
}
""",
        ),
        Example(
            "`FOR UPDATE`, held to the act",
            """\
use rocket::{http::Status, post, State};
use sqlx::PgPool;

#[derive(sqlx::FromRow)]
struct Coupon { id: i64, used: bool }

async fn pay() {}

#[post("/redeem/<code>")]
async fn redeem(code: &str, pool: &State<PgPool>) -> Result<Status, sqlx::Error> {
    let mut tx = pool.begin().await?;
    let coupon = sqlx::query_as::<_, Coupon>("SELECT id, used FROM coupons WHERE code = $1 FOR UPDATE")
        .bind(code)
        .fetch_one(&mut *tx)
        .await?;
    if coupon.used {
        return Ok(Status::Gone);
    }
    pay().await;
    sqlx::query("UPDATE coupons SET used = true WHERE id = $1").bind(coupon.id).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(Status::Ok)
}
""",
        ),
        Example(
            "`BEGIN IMMEDIATE` takes the write lock first",
            """\
use rocket::{http::Status, post};
use rusqlite::TransactionBehavior;

#[post("/redeem/<code>")]
async fn redeem(code: String, db: Db) -> Result<Status, rusqlite::Error> {
    db.run(move |conn| {
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let used: bool = tx.query_row("SELECT used FROM coupons WHERE code = ?1", [&code], |row| row.get(0))?;
        if used {
            return Ok(Status::Gone);
        }
        tx.execute("UPDATE coupons SET used = 1 WHERE code = ?1", [&code])?;
        tx.commit()?;
        Ok(Status::Ok)
    })
    .await
}
""",
        ),
    ),
    fixes=(
        Fix(
            "put the condition into the act (`… WHERE id = $1 AND used = false`) and look at the row count",
            Safety.UNSAFE,
            "check and act are one statement; the count says who was first",
            "none worth naming",
        ),
        Fix(
            "`SELECT … FOR UPDATE` in the transaction that acts (SQLite: `BEGIN IMMEDIATE`)",
            Safety.UNSAFE,
            "the row cannot change between check and act",
            "requests for the same row wait for each other",
        ),
        Fix(
            "SERIALIZABLE isolation, and retry on a serialization failure",
            Safety.UNSAFE,
            "the database refuses orders that no serial execution has",
            "retries have to be written",
        ),
    ),
    check=check,
)
