"""DH470: the database and a copy in memory are changed one after the other. Covers P47."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context
from deadheat.rules.queries import Shape, pairs
from deadheat.rules.query_report import report
from deadheat.rules.rule import Example, Rule

_STORY = (
    "{one} changes a table and its copy `{state}` in memory in two steps, {check} and {act}{wide}. "
    "Request A ({one}) makes the first change; request B ({other}) makes both; A makes its second: "
    "table and copy now tell different stories."
)


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Pairs of this shape."""
    for pair in pairs(context.program, Shape.DUAL_WRITE):
        yield report(rule, context, pair, _STORY, "the first of the two writes")


RULE = Rule(
    code="DH470",
    name="dual-write",
    title="dual write",
    cwe=(
        362,
        662,
    ),
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    impact=(Impact.INCONSISTENT_STATE,),
    summary="A table and its copy in memory are written one after the other: two requests can mix them up.",
    explanation="""\
The handler writes a row and then the copy of it that the application keeps in memory (or the other way
round). Each write is safe by itself, and nothing makes the two requests do both in the same order:

    A: UPDATE price = 10
    B: UPDATE price = 20
    B: cache price  = 20
    A: cache price  = 10     the table says 20, every answer says 10, until the next restart

The difference does not heal by itself. Drop the entry from the copy instead of setting it, or hold the
copy's lock over both writes.""",
    invalid=(
        Example(
            "the row, then the map",
            """\
use rocket::{post, tokio::sync::RwLock, State};
use sqlx::PgPool;
use std::collections::HashMap;

struct Cache { prices: RwLock<HashMap<i64, i64>> }

#[post("/price/<item>/<price>")]
async fn set_price(
    item: i64,
    price: i64,
    pool: &State<PgPool>,
    cache: &State<Cache>,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE prices SET price = $1 WHERE item = $2")
        .bind(price)
        .bind(item)
        .execute(pool.inner())
        .await?;
    cache.prices.write().await.insert(item, price);
    Ok(())
}
""",
        ),
        Example(
            "the map, then the row",
            """\
use rocket::{post, tokio::sync::RwLock, State};
use sqlx::PgPool;
use std::collections::HashMap;

struct Cache { prices: RwLock<HashMap<i64, i64>> }

#[post("/price/<item>/<price>")]
async fn set_price(
    item: i64,
    price: i64,
    pool: &State<PgPool>,
    cache: &State<Cache>,
) -> Result<(), sqlx::Error> {
    cache.prices.write().await.insert(item, price);
    sqlx::query("UPDATE prices SET price = $1 WHERE item = $2")
        .bind(price)
        .bind(item)
        .execute(pool.inner())
        .await?;
    Ok(())
}
""",
        ),
    ),
    valid=(
        Example(
            "the lock is held over both",
            """\
use rocket::{post, tokio::sync::RwLock, State};
use sqlx::PgPool;
use std::collections::HashMap;

struct Cache { prices: RwLock<HashMap<i64, i64>> }

#[post("/price/<item>/<price>")]
async fn set_price(
    item: i64,
    price: i64,
    pool: &State<PgPool>,
    cache: &State<Cache>,
) -> Result<(), sqlx::Error> {
    let mut prices = cache.prices.write().await;
    sqlx::query("UPDATE prices SET price = $1 WHERE item = $2")
        .bind(price)
        .bind(item)
        .execute(pool.inner())
        .await?;
    prices.insert(item, price);
    Ok(())
}
""",
        ),
        Example(
            "the entry is dropped, and read again when needed",
            """\
use rocket::{post, tokio::sync::RwLock, State};
use sqlx::PgPool;
use std::collections::HashMap;

struct Cache { prices: RwLock<HashMap<i64, i64>> }

#[post("/price/<item>/<price>")]
async fn set_price(
    item: i64,
    price: i64,
    pool: &State<PgPool>,
    cache: &State<Cache>,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE prices SET price = $1 WHERE item = $2")
        .bind(price)
        .bind(item)
        .execute(pool.inner())
        .await?;
    cache.prices.write().await.remove(&item);
    Ok(())
}
""",
        ),
    ),
    fixes=(
        Fix(
            "drop the entry from the copy after the row is written, and load it when it is asked for",
            Safety.UNSAFE,
            "the copy only ever holds what was read from the table",
            "one more query after each change",
        ),
        Fix(
            "hold the write lock of the copy over both writes",
            Safety.UNSAFE,
            "both are made in the same order by every request",
            "requests wait for the database while one of them holds the lock",
        ),
    ),
    check=check,
)
