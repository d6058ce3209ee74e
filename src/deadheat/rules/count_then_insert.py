"""DH440: rows are counted, and one more is inserted while the limit allows. Covers P44."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context
from deadheat.rules.queries import Shape, pairs
from deadheat.rules.query_report import report
from deadheat.rules.rule import Example, Rule

_STORY = (
    "{one} works out from `{state}` in {check} whether there is room, and inserts in {act}{wide}. "
    "Request A ({one}) counts; request B ({other}) counts the same and inserts; A inserts as well: "
    "the limit is passed."
)


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Pairs of this shape."""
    for pair in pairs(context.program, Shape.COUNT_INSERT):
        yield report(rule, context, pair, _STORY, "counts the rows")


RULE = Rule(
    code="DH440",
    name="count-then-insert",
    title="count-then-insert limit",
    cwe=(
        367,
        770,
    ),
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    impact=(
        Impact.AUTHORIZATION_BYPASS,
        Impact.DATA_CORRUPTION,
    ),
    summary="A limit is tested by counting rows, and the row that uses it up is inserted later.",
    explanation="""\
The handler counts what is there (or adds it up, or asks whether there is anything at all) and inserts
when the limit allows. Any number of requests can count before any of them inserts:

    A: COUNT(*)   99 of 100
    B: COUNT(*)   99 of 100
    A: INSERT     100
    B: INSERT     101

No UNIQUE constraint speaks about numbers of rows, and `FOR UPDATE` on the counted rows does not lock the
rows that are not there yet. The count has to be protected by something that both requests need: a row of
the parent, a counter column changed with a condition, or serializable isolation.""",
    invalid=(
        Example(
            "one hundred seats",
            """\
use diesel::prelude::*;
use rocket::{http::Status, post};

diesel::table! {
    bookings (id) {
        id -> Integer,
        event_id -> Integer,
        guest -> Text,
    }
}

#[post("/book/<event>/<guest>")]
async fn book(event: i32, guest: String, conn: Db) -> Result<Status, diesel::result::Error> {
    conn.run(move |c| {
        let taken: i64 = bookings::table.filter(bookings::event_id.eq(event)).count().get_result(c)?;
        if taken >= 100 {
            return Ok(Status::Conflict);
        }
        diesel::insert_into(bookings::table)
            .values((bookings::event_id.eq(event), bookings::guest.eq(guest)))
            .execute(c)?;
        Ok(Status::Created)
    })
    .await
}
""",
        ),
        Example(
            "the first user becomes the owner",
            """\
use rocket::{http::Status, post, State};
use sqlx::PgPool;

#[post("/register/<name>")]
async fn register(name: &str, pool: &State<PgPool>) -> Result<Status, sqlx::Error> {
    let users: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM users").fetch_one(pool.inner()).await?;
    let role = if users == 0 { "owner" } else { "user" };
    if users > 500 {
        return Ok(Status::Forbidden);
    }
    sqlx::query("INSERT INTO users (name, role) VALUES ($1, $2)")
        .bind(name)
        .bind(role)
        .execute(pool.inner())
        .await?;
    Ok(Status::Created)
}
""",
        ),
    ),
    valid=(
        Example(
            "serializable isolation",
            """\
use diesel::prelude::*;
use rocket::{http::Status, post};

diesel::table! {
    bookings (id) {
        id -> Integer,
        event_id -> Integer,
        guest -> Text,
    }
}

#[post("/book/<event>/<guest>")]
async fn book(event: i32, guest: String, conn: Db) -> Result<Status, diesel::result::Error> {
    conn.run(move |c| {
        c.build_transaction().serializable().run(|c| {
        let taken: i64 = bookings::table.filter(bookings::event_id.eq(event)).count().get_result(c)?;
        if taken >= 100 {
            return Ok(Status::Conflict);
        }
        diesel::insert_into(bookings::table)
            .values((bookings::event_id.eq(event), bookings::guest.eq(guest)))
            .execute(c)?;
        Ok(Status::Created)
        })
    })
    .await
}
""",
        ),
        Example(
            "the parent row is locked first",
            """\
use rocket::{http::Status, post, State};
use sqlx::PgPool;

#[post("/book/<event>/<guest>")]
async fn book(event: i64, guest: &str, pool: &State<PgPool>) -> Result<Status, sqlx::Error> {
    let mut tx = pool.begin().await?;
    sqlx::query("SELECT id FROM events WHERE id = $1 FOR UPDATE").bind(event).fetch_one(&mut *tx).await?;
    let taken: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM bookings WHERE event_id = $1")
        .bind(event)
        .fetch_one(&mut *tx)
        .await?;
    if taken >= 100 {
        return Ok(Status::Conflict);
    }
    sqlx::query("INSERT INTO bookings (event_id, guest) VALUES ($1, $2)")
        .bind(event)
        .bind(guest)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(Status::Created)
}
""",
        ),
    ),
    fixes=(
        Fix(
            "lock the parent row (`SELECT … FOR UPDATE`) before counting, in one transaction",
            Safety.UNSAFE,
            "every request that counts has to wait for the one that inserts",
            "requests for one parent wait for each other",
        ),
        Fix(
            "keep a counter: `SET taken = taken + 1 WHERE id = $1 AND taken < 100`, and look at its count",
            Safety.UNSAFE,
            "test and increment are one statement",
            "the counter must be kept in step when rows are deleted",
        ),
        Fix(
            "SERIALIZABLE isolation, and retry on a serialization failure",
            Safety.UNSAFE,
            "the database detects that the count was invalidated",
            "retries have to be written",
        ),
    ),
    check=check,
)
