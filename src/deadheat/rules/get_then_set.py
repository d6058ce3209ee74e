"""DH450: a document or a key is read, and set in a later command. Covers P45."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context
from deadheat.rules.queries import Shape, pairs
from deadheat.rules.query_report import report
from deadheat.rules.rule import Example, Rule

_STORY = (
    "{one} reads `{state}` in {check} and writes it in {act}{wide}. "
    "Request A ({one}) reads; request B ({other}) reads the same and writes; "
    "A writes what it worked out from the old value."
)


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Pairs of this shape."""
    for pair in pairs(context.program, Shape.GET_SET):
        yield report(rule, context, pair, _STORY, "reads the old value")


RULE = Rule(
    code="DH450",
    name="get-then-set",
    title="get-then-set",
    cwe=(
        362,
        367,
    ),
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    impact=(
        Impact.DATA_CORRUPTION,
        Impact.AUTHORIZATION_BYPASS,
    ),
    summary="A key or a document is read, then written by a second command: another client gets in between.",
    explanation="""\
Redis and MongoDB make every command atomic, and only every command. GET followed by SET, EXISTS followed
by SET, `find_one` followed by `update_one` are two commands:

    A: GET hits   41
    B: GET hits   41
    A: SET hits   42
    B: SET hits   42     two hits, one counted

Both have one command for what is meant: INCR, SET NX, GETDEL; `$inc`, `$addToSet`, `find_one_and_update`
with the condition in its filter. What takes more than one command goes into a script or a transaction
that watches the key.""",
    invalid=(
        Example(
            "a counter in Redis",
            """\
use redis::AsyncCommands;
use rocket::{post, State};

#[post("/hit/<page>")]
async fn hit(page: String, client: &State<redis::Client>) -> Result<(), redis::RedisError> {
    let mut con = client.get_multiplexed_async_connection().await?;
    let hits: u64 = con.get(&page).await?;
    con.set(&page, hits + 1).await?;
    Ok(())
}
""",
        ),
        Example(
            "an idempotency key tested and set",
            """\
use redis::AsyncCommands;
use rocket::{http::Status, post, State};

async fn pay() {}

#[post("/pay/<key>")]
async fn once(key: String, client: &State<redis::Client>) -> Result<Status, redis::RedisError> {
    let mut con = client.get_multiplexed_async_connection().await?;
    let done: bool = con.exists(&key).await?;
    if done {
        return Ok(Status::Conflict);
    }
    pay().await;
    con.set_ex(&key, "done", 3600).await?;
    Ok(Status::Ok)
}
""",
        ),
        Example(
            "a document tested, then updated by its code alone",
            """\
use mongodb::{bson::doc, Collection};
use rocket::{http::Status, post, State};

#[derive(serde::Deserialize)]
struct Coupon { code: String, used: bool }

#[post("/redeem/<code>")]
async fn redeem(code: String, coupons: &State<Collection<Coupon>>) -> Result<Status, mongodb::error::Error> {
    let found = coupons.find_one(doc! { "code": &code }).await?;
    let Some(coupon) = found else { return Ok(Status::NotFound) };
    if coupon.used {
        return Ok(Status::Gone);
    }
    coupons.update_one(doc! { "code": &code }, doc! { "$set": { "used": true } }).await?;
    Ok(Status::Ok)
}
""",
        ),
    ),
    valid=(
        Example(
            "INCR",
            """\
use redis::AsyncCommands;
use rocket::{post, State};

#[post("/hit/<page>")]
async fn hit(page: String, client: &State<redis::Client>) -> Result<(), redis::RedisError> {
    let mut con = client.get_multiplexed_async_connection().await?;
    con.incr(&page, 1).await?;
    Ok(())
}
""",
        ),
        Example(
            "SET NX tells who was first",
            """\
use redis::AsyncCommands;
use rocket::{http::Status, post, State};

async fn pay() {}

#[post("/pay/<key>")]
async fn once(key: String, client: &State<redis::Client>) -> Result<Status, redis::RedisError> {
    let mut con = client.get_multiplexed_async_connection().await?;
    let first: bool = con.set_nx(&key, "done").await?;
    if !first {
        return Ok(Status::Conflict);
    }
    pay().await;
    Ok(Status::Ok)
}
""",
        ),
        Example(
            "the condition is in the filter",
            """\
use mongodb::{bson::doc, Collection};
use rocket::{http::Status, post, State};

#[derive(serde::Deserialize)]
struct Coupon { code: String, used: bool }

#[post("/redeem/<code>")]
async fn redeem(code: String, coupons: &State<Collection<Coupon>>) -> Result<Status, mongodb::error::Error> {
    let before = coupons
        .find_one_and_update(doc! { "code": &code, "used": false }, doc! { "$set": { "used": true } })
        .await?;
    Ok(if before.is_some() { Status::Ok } else { Status::Gone })
}
""",
        ),
        Example(
            "a cache that is filled",
            """\
use redis::AsyncCommands;
use rocket::{get, State};

async fn render(page: &str) -> String { page.to_uppercase() }

#[get("/page/<page>")]
async fn show(page: String, client: &State<redis::Client>) -> Result<String, redis::RedisError> {
    let mut con = client.get_multiplexed_async_connection().await?;
    let known: Option<String> = con.get(&page).await?;
    if let Some(text) = known {
        return Ok(text);
    }
    let text = render(&page).await;
    con.set_ex(&page, &text, 60).await?;
    Ok(text)
}
""",
        ),
    ),
    fixes=(
        Fix(
            "use the one command that does both (`INCR`, `SET NX`, `$inc`, `find_one_and_update`)",
            Safety.UNSAFE,
            "one command is atomic, and its result says what was there",
            "none worth naming",
        ),
        Fix(
            "a Lua script, or WATCH and MULTI with a retry",
            Safety.UNSAFE,
            "the commands run as one, or not at all",
            "more to write and to test",
        ),
    ),
    check=check,
)
