"""DH420: a row is looked for, and inserted when there is none. Covers P42."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context
from deadheat.rules.queries import Shape, pairs
from deadheat.rules.query_report import report
from deadheat.rules.rule import Example, Rule

_STORY = (
    "{one} looks for a row of `{state}` in {check} and inserts it in {act} because there was none{wide}. "
    "Request A ({one}) looks; request B ({other}) looks as well and inserts; A inserts too: "
    "two rows, or a constraint violation where none is expected."
)


_PANIC = (
    "{one} inserts into `{state}` in {act} and unwraps the result, but a UNIQUE constraint may refuse "
    "the row. "
    "Request A ({one}) and request B ({other}) insert the same: one of them ends as a panic and 500."
)


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Inserts after a look-up; an unwrapped insert without one is a note."""
    for pair in pairs(context.program, Shape.FIND_INSERT):
        yield report(rule, context, pair, _STORY, "looks for the row")
    for pair in pairs(context.program, Shape.CONFLICT_PANIC):
        yield report(rule, context, pair, _PANIC, "inserts", again=True)


RULE = Rule(
    code="DH420",
    name="find-then-insert",
    title="find-then-insert",
    cwe=(
        367,
        362,
    ),
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    impact=(
        Impact.DATA_CORRUPTION,
        Impact.INCONSISTENT_STATE,
    ),
    summary="A row is inserted because a look-up found none, and nothing keeps a second one out.",
    explanation="""\
The handler asks whether a row is there and inserts one when it is not. Between the two statements another
request asks the same and gets the same answer:

    A: is there a user "eve"?   no
    B: is there a user "eve"?   no
    A: INSERT "eve"
    B: INSERT "eve"             two rows, or an error that nobody expects

Without a UNIQUE constraint (or after a later migration dropped it) there are two rows, and every query
that assumes one picks either. With the constraint the loser gets an error; if that is unwrapped, the
request ends as a panic and 500. A transaction does not help: neither sees the other's row.""",
    invalid=(
        Example(
            "no constraint is known",
            """\
use diesel::prelude::*;
use rocket::{http::Status, post};

diesel::table! {
    tags (id) {
        id -> Integer,
        name -> Text,
    }
}

#[derive(Insertable)]
#[diesel(table_name = tags)]
struct NewTag { name: String }

#[post("/tag/<name>")]
async fn create(name: String, conn: Db) -> Result<Status, diesel::result::Error> {
    conn.run(move |c| {
        let same = tags::table.filter(tags::name.eq(&name));
        let known = diesel::select(diesel::dsl::exists(same)).get_result::<bool>(c)?;
        if known {
            return Ok(Status::Conflict);
        }
        diesel::insert_into(tags::table).values(&NewTag { name }).execute(c)?;
        Ok(Status::Created)
    })
    .await
}
""",
        ),
        Example(
            "through a helper, in SQL",
            """\
use rocket::{http::Status, post, State};
use sqlx::PgPool;

async fn find(pool: &PgPool, email: &str) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar("SELECT id FROM users WHERE email = $1").bind(email).fetch_optional(pool).await
}

#[post("/register/<email>")]
async fn register(email: &str, pool: &State<PgPool>) -> Result<Status, sqlx::Error> {
    if find(pool, email).await?.is_some() {
        return Ok(Status::Conflict);
    }
    sqlx::query("INSERT INTO users (email) VALUES ($1)").bind(email).execute(pool.inner()).await?;
    Ok(Status::Created)
}
""",
        ),
        Example(
            "the constraint is there, and its violation is a panic",
            """\
use rocket::{http::Status, post, State};
use sqlx::PgPool;

const SCHEMA: &str = "CREATE TABLE users (id BIGSERIAL PRIMARY KEY, email TEXT NOT NULL UNIQUE)";

#[post("/register/<email>")]
async fn register(email: &str, pool: &State<PgPool>) -> Status {
    let taken = sqlx::query("SELECT id FROM users WHERE email = $1")
        .bind(email)
        .fetch_optional(pool.inner())
        .await;
    if taken.unwrap().is_some() {
        return Status::Conflict;
    }
    sqlx::query("INSERT INTO users (email) VALUES ($1)")
        .bind(email)
        .execute(pool.inner())
        .await.expect("insert");
    Status::Created
}
""",
        ),
    ),
    valid=(
        Example(
            "UNIQUE, and the error goes to the caller",
            """\
use rocket::{http::Status, post, State};
use sqlx::PgPool;

async fn find(pool: &PgPool, email: &str) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar("SELECT id FROM users WHERE email = $1").bind(email).fetch_optional(pool).await
}

const SCHEMA: &str = "CREATE TABLE users (id BIGSERIAL PRIMARY KEY, email TEXT NOT NULL UNIQUE)";

#[post("/register/<email>")]
async fn register(email: &str, pool: &State<PgPool>) -> Result<Status, sqlx::Error> {
    if find(pool, email).await?.is_some() {
        return Ok(Status::Conflict);
    }
    sqlx::query("INSERT INTO users (email) VALUES ($1)").bind(email).execute(pool.inner()).await?;
    Ok(Status::Created)
}
""",
        ),
        Example(
            "ON CONFLICT DO NOTHING",
            """\
use rocket::{http::Status, post, State};
use sqlx::PgPool;

async fn find(pool: &PgPool, email: &str) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar("SELECT id FROM users WHERE email = $1").bind(email).fetch_optional(pool).await
}

#[post("/register/<email>")]
async fn register(email: &str, pool: &State<PgPool>) -> Result<Status, sqlx::Error> {
    if find(pool, email).await?.is_some() {
        return Ok(Status::Conflict);
    }
    sqlx::query("INSERT INTO users (email) VALUES ($1) ON CONFLICT DO NOTHING")
        .bind(email)
        .execute(pool.inner())
        .await?;
    Ok(Status::Created)
}
""",
        ),
        Example(
            "insert first, and look at what happened",
            """\
use rocket::{http::Status, post, State};
use sqlx::PgPool;

#[post("/register/<email>")]
async fn register(email: &str, pool: &State<PgPool>) -> Status {
    match sqlx::query("INSERT IGNORE INTO users (email) VALUES ($1)")
        .bind(email)
        .execute(pool.inner())
        .await {
        Ok(done) if done.rows_affected() == 1 => Status::Created,
        Ok(_) => Status::Conflict,
        Err(_) => Status::InternalServerError,
    }
}
""",
        ),
    ),
    fixes=(
        Fix(
            "add a UNIQUE constraint, insert first, and take its violation for 'already there'",
            Safety.UNSAFE,
            "the database decides who was first, in one step",
            "a migration, which fails while duplicates exist",
        ),
        Fix(
            "`INSERT … ON CONFLICT DO NOTHING RETURNING`, then read the row if none came back",
            Safety.UNSAFE,
            "both requests end up with the same row",
            "needs the UNIQUE constraint as well",
        ),
    ),
    check=check,
)
