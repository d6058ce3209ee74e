"""DH490: rows are replaced by deleting and inserting, without a transaction. Covers P49."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context
from deadheat.rules.queries import Shape, pairs
from deadheat.rules.query_report import report
from deadheat.rules.rule import Example, Rule
from deadheat.rust.db.query import Op

_STORY = (
    "{one} deletes rows of `{state}` in {check} and inserts their replacement in {act}{wide}, "
    "without a transaction. "
    "Request A ({one}) deletes; request B ({other}) reads and finds nothing; A inserts."
)
_BOTH = (
    "{one} deletes rows of `{state}` in {check} and inserts their replacement in {act}{wide}, "
    "without a transaction. "
    "Request A ({one}) deletes; request B ({other}) deletes and inserts its own; A inserts: both are left."
)


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Pairs of this shape."""
    for pair in pairs(context.program, Shape.DELETE_INSERT):
        alone = pair.others == (pair.root,) and not any(
            event.query is not None and event.query.op is Op.SELECT for event in pair.root.events
        )
        yield report(rule, context, pair, _BOTH if alone else _STORY, "deletes the old rows")


RULE = Rule(
    code="DH490",
    name="delete-then-insert",
    title="delete-then-insert replace",
    cwe=(
        362,
        662,
    ),
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    impact=(
        Impact.INCONSISTENT_STATE,
        Impact.AUTHORIZATION_BYPASS,
    ),
    summary="Rows are deleted and inserted anew in two statements: in between there are none, for everybody.",
    explanation="""\
The handler replaces rows by deleting the old ones and inserting new ones, each statement by itself.
Between the two everybody else sees nothing: a user without roles, a blocklist without entries:

    A: DELETE the user's roles
    B: SELECT the user's roles    none
    A: INSERT the user's roles

Two replacements at once may also leave both sets behind, and a request that dies in between leaves none.
One transaction makes the gap invisible.""",
    invalid=(
        Example(
            "the roles of a user",
            """\
use diesel::prelude::*;
use rocket::{get, put, serde::json::Json};

diesel::table! {
    roles (id) {
        id -> Integer,
        user_id -> Integer,
        name -> Text,
    }
}

#[put("/user/<user>/role/<name>")]
async fn replace_role(user: i32, name: String, conn: Db) -> QueryResult<usize> {
    conn.run(move |c| {
        diesel::delete(roles::table.filter(roles::user_id.eq(user))).execute(c)?;
        diesel::insert_into(roles::table).values((roles::user_id.eq(user), roles::name.eq(name))).execute(c)
    })
    .await
}

#[get("/user/<user>/roles")]
async fn list(user: i32, conn: Db) -> QueryResult<Json<Vec<String>>> {
    let names = conn
        .run(move |c| {
            roles::table.filter(roles::user_id.eq(user))
                .select(roles::name).load::<String>(c)
        })
        .await?;
    Ok(Json(names))
}
""",
        ),
        Example(
            "a blocklist",
            """\
use rocket::{get, put, State};
use sqlx::PgPool;

#[put("/list/<id>/only/<item>")]
async fn replace_items(id: i64, item: i64, pool: &State<PgPool>) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM blocklist WHERE list = $1").bind(id).execute(pool.inner()).await?;
    sqlx::query("INSERT INTO blocklist (list, item) VALUES ($1, $2)")
        .bind(id)
        .bind(item)
        .execute(pool.inner())
        .await?;
    Ok(())
}

#[get("/list/<id>/has/<item>")]
async fn blocked(id: i64, item: i64, pool: &State<PgPool>) -> Result<String, sqlx::Error> {
    let found = sqlx::query("SELECT item FROM blocklist WHERE list = $1 AND item = $2")
        .bind(id)
        .bind(item)
        .fetch_optional(pool.inner())
        .await?;
    Ok(format!("{}", found.is_some()))
}
""",
        ),
    ),
    valid=(
        Example(
            "one transaction",
            """\
use diesel::prelude::*;
use rocket::{get, put, serde::json::Json};

diesel::table! {
    roles (id) {
        id -> Integer,
        user_id -> Integer,
        name -> Text,
    }
}

#[put("/user/<user>/role/<name>")]
async fn replace_role(user: i32, name: String, conn: Db) -> QueryResult<usize> {
    conn.run(move |c| {
        c.transaction(|c| {
        diesel::delete(roles::table.filter(roles::user_id.eq(user))).execute(c)?;
        diesel::insert_into(roles::table).values((roles::user_id.eq(user), roles::name.eq(name))).execute(c)
        })
    })
    .await
}

#[get("/user/<user>/roles")]
async fn list(user: i32, conn: Db) -> QueryResult<Json<Vec<String>>> {
    let names = conn
        .run(move |c| {
            roles::table.filter(roles::user_id.eq(user))
                .select(roles::name).load::<String>(c)
        })
        .await?;
    Ok(Json(names))
}
""",
        ),
        Example(
            "an upsert",
            """\
use rocket::{get, put, State};
use sqlx::PgPool;

#[put("/list/<id>/only/<item>")]
async fn replace_items(id: i64, item: i64, pool: &State<PgPool>) -> Result<(), sqlx::Error> {
    let upsert = "INSERT INTO blocklist (list, item) VALUES ($1, $2) ON CONFLICT (list) DO NOTHING";
    sqlx::query(upsert)
        .bind(id)
        .bind(item)
        .execute(pool.inner())
        .await?;
    Ok(())
}

#[get("/list/<id>/has/<item>")]
async fn blocked(id: i64, item: i64, pool: &State<PgPool>) -> Result<String, sqlx::Error> {
    let found = sqlx::query("SELECT item FROM blocklist WHERE list = $1 AND item = $2")
        .bind(id)
        .bind(item)
        .fetch_optional(pool.inner())
        .await?;
    Ok(format!("{}", found.is_some()))
}
""",
        ),
    ),
    fixes=(
        Fix(
            "put both statements into one transaction",
            Safety.UNSAFE,
            "others see the old rows or the new ones",
            "none worth naming",
        ),
        Fix(
            "update or upsert the rows instead of replacing them",
            Safety.UNSAFE,
            "there is no moment without rows",
            "needs a UNIQUE constraint",
        ),
    ),
    check=check,
)
