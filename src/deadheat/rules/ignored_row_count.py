"""DH491: a statement that takes something away, and nobody asks whether it did. Covers P50."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context
from deadheat.rules.queries import Shape, pairs
from deadheat.rules.query_report import report
from deadheat.rules.rule import Example, Rule

_STORY = (
    "{one} checks `{state}` in {check} and consumes it in {act}{wide}, but never looks at how many rows "
    "that changed. "
    "Request A ({one}) and request B ({other}) both pass the check; one of them changes no row "
    "and goes on all the same."
)


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Pairs of this shape."""
    for pair in pairs(context.program, Shape.IGNORED_COUNT):
        yield report(rule, context, pair, _STORY, "checks that there is something to take")


RULE = Rule(
    code="DH491",
    name="ignored-row-count",
    title="row count ignored on a consume",
    cwe=(
        367,
        252,
    ),
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    impact=(
        Impact.AUTHORIZATION_BYPASS,
        Impact.DATA_CORRUPTION,
    ),
    summary="A conditional UPDATE or a DELETE consumes something, and nobody looks at how many rows changed.",
    explanation="""\
The statement is right: it only takes what is still there. What is missing is the question whether it took
anything. `?`, `is_ok()` and `Ok(_)` only say that the database had no error; changing no row is no error:

    A: is the ticket there?    yes
    B: is the ticket there?    yes
    A: DELETE ticket           1 row
    B: DELETE ticket           0 rows, and no error
    B goes on as if it had the ticket

The row count is the only thing that tells who was first. Look at it, or ask for the row itself with
RETURNING.""",
    invalid=(
        Example(
            "the UPDATE is conditional, its count unread",
            """\
use rocket::{http::Status, post, State};
use sqlx::PgPool;

#[derive(sqlx::FromRow)]
struct Ticket { id: i64, used: bool }

async fn open_gate() {}

#[post("/enter/<code>")]
async fn enter(code: &str, pool: &State<PgPool>) -> Result<Status, sqlx::Error> {
    let ticket = sqlx::query_as::<_, Ticket>("SELECT id, used FROM tickets WHERE code = $1")
        .bind(code)
        .fetch_one(pool.inner())
        .await?;
    if ticket.used {
        return Ok(Status::Gone);
    }
    sqlx::query("UPDATE tickets SET used = true WHERE id = $1 AND used = false")
        .bind(ticket.id)
        .execute(pool.inner())
        .await?;
    open_gate().await;
    Ok(Status::Ok)
}
""",
        ),
        Example(
            "a reset token found, then deleted",
            """\
use diesel::prelude::*;
use rocket::{http::Status, post};

diesel::table! {
    reset_tokens (id) {
        id -> Integer,
        token -> Text,
        user_id -> Integer,
    }
}

diesel::table! {
    users (id) {
        id -> Integer,
        password -> Text,
    }
}

#[post("/reset/<token>/<password>")]
async fn reset(token: String, password: String, conn: Db) -> Result<Status, diesel::result::Error> {
    conn.run(move |c| {
        let user = reset_tokens::table
            .filter(reset_tokens::token.eq(&token))
            .select(reset_tokens::user_id)
            .first::<i32>(c)?;
        diesel::delete(reset_tokens::table.filter(reset_tokens::token.eq(&token))).execute(c)?;
        diesel::update(users::table.find(user)).set(users::password.eq(password)).execute(c)?;
        Ok(Status::Ok)
    })
    .await
}
""",
        ),
    ),
    valid=(
        Example(
            "no row changed means too late",
            """\
use rocket::{http::Status, post, State};
use sqlx::PgPool;

#[derive(sqlx::FromRow)]
struct Ticket { id: i64, used: bool }

async fn open_gate() {}

#[post("/enter/<code>")]
async fn enter(code: &str, pool: &State<PgPool>) -> Result<Status, sqlx::Error> {
    let ticket = sqlx::query_as::<_, Ticket>("SELECT id, used FROM tickets WHERE code = $1")
        .bind(code)
        .fetch_one(pool.inner())
        .await?;
    if ticket.used {
        return Ok(Status::Gone);
    }
    let done = sqlx::query("UPDATE tickets SET used = true WHERE id = $1 AND used = false")
        .bind(ticket.id)
        .execute(pool.inner())
        .await?;
    if done.rows_affected() == 0 {
        return Ok(Status::Gone);
    }
    open_gate().await;
    Ok(Status::Ok)
}
""",
        ),
        Example(
            "DELETE … RETURNING",
            """\
use rocket::{http::Status, post, State};
use sqlx::PgPool;

#[post("/enter/<code>")]
async fn enter(code: &str, pool: &State<PgPool>) -> Result<Status, sqlx::Error> {
    let ticket = sqlx::query("DELETE FROM tickets WHERE code = $1 RETURNING id")
        .bind(code)
        .fetch_optional(pool.inner())
        .await?;
    Ok(if ticket.is_some() { Status::Ok } else { Status::Gone })
}
""",
        ),
    ),
    fixes=(
        Fix(
            "look at the number of changed rows, and stop when it is zero",
            Safety.UNSAFE,
            "it is one for exactly one of the requests",
            "none worth naming",
        ),
        Fix(
            "`DELETE … RETURNING` (or `UPDATE … RETURNING`) and use the row that comes back",
            Safety.UNSAFE,
            "the row is handed to one request only",
            "not on MySQL",
        ),
    ),
    check=check,
)
