"""DH493: the next number is the highest one there plus one. Covers P52."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context
from deadheat.rules.queries import Shape, pairs
from deadheat.rules.query_report import report
from deadheat.rules.rule import Example, Rule

_STORY = (
    "{one} works out the next number from the highest in `{state}` in {check} and inserts it in {act}{wide}. "
    "Request A ({one}) asks; request B ({other}) asks as well and inserts; A inserts the same number."
)


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Pairs of this shape."""
    for pair in pairs(context.program, Shape.MAX_PLUS_ONE):
        yield report(rule, context, pair, _STORY, "asks for the highest number")


RULE = Rule(
    code="DH493",
    name="max-plus-one",
    title="MAX plus one",
    cwe=(362,),
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    impact=(Impact.DATA_CORRUPTION,),
    summary="The next number is worked out from the highest that exists: two requests get the same.",
    explanation="""\
The handler asks for the highest number and inserts a row with the next. Two requests that ask before
either inserts get the same one:

    A: MAX(number)    41
    B: MAX(number)    41
    A: INSERT 42
    B: INSERT 42

Two invoices with one number, or two jobs in one place. With a UNIQUE constraint the second insert fails
instead, and has to be tried again. A sequence hands out every number once.""",
    invalid=(
        Example(
            "invoice numbers",
            """\
use diesel::{dsl::max, prelude::*};
use rocket::post;

diesel::table! {
    invoices (id) {
        id -> Integer,
        number -> Integer,
        customer -> Integer,
    }
}

#[post("/invoice/<customer>")]
async fn invoice(customer: i32, conn: Db) -> QueryResult<usize> {
    conn.run(move |c| {
        let last = invoices::table.select(max(invoices::number)).first::<Option<i32>>(c)?.unwrap_or(0);
        diesel::insert_into(invoices::table)
            .values((invoices::number.eq(last + 1), invoices::customer.eq(customer)))
            .execute(c)
    })
    .await
}
""",
        ),
        Example(
            "places in a queue",
            """\
use rocket::{post, State};
use sqlx::PgPool;

#[post("/queue/<job>")]
async fn enqueue(job: i64, pool: &State<PgPool>) -> Result<(), sqlx::Error> {
    let last: Option<i64> = sqlx::query_scalar("SELECT MAX(position) FROM queue")
        .fetch_one(pool.inner())
        .await?;
    sqlx::query("INSERT INTO queue (position, job) VALUES ($1, $2)")
        .bind(last.unwrap_or(0) + 1)
        .bind(job)
        .execute(pool.inner())
        .await?;
    Ok(())
}
""",
        ),
    ),
    valid=(
        Example(
            "a sequence",
            """\
use rocket::{post, State};
use sqlx::PgPool;

#[post("/queue/<job>")]
async fn enqueue(job: i64, pool: &State<PgPool>) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO queue (position, job) VALUES (nextval('queue_position'), $1)")
        .bind(job)
        .execute(pool.inner())
        .await?;
    Ok(())
}
""",
        ),
        Example(
            "serializable isolation",
            """\
use diesel::{dsl::max, prelude::*};
use rocket::post;

diesel::table! {
    invoices (id) {
        id -> Integer,
        number -> Integer,
        customer -> Integer,
    }
}

#[post("/invoice/<customer>")]
async fn invoice(customer: i32, conn: Db) -> QueryResult<usize> {
    conn.run(move |c| {
        c.build_transaction().serializable().run(|c| {
        let last = invoices::table.select(max(invoices::number)).first::<Option<i32>>(c)?.unwrap_or(0);
        diesel::insert_into(invoices::table)
            .values((invoices::number.eq(last + 1), invoices::customer.eq(customer)))
            .execute(c)
        })
    })
    .await
}
""",
        ),
    ),
    fixes=(
        Fix(
            "a sequence, identity or auto-increment column",
            Safety.UNSAFE,
            "the database hands out each number once",
            "numbers may have gaps",
        ),
        Fix(
            "a UNIQUE constraint on the number, and a retry when it is violated",
            Safety.UNSAFE,
            "the second request notices and takes the next",
            "the retry has to be written",
        ),
    ),
    check=check,
)
