"""DH306: one request takes two of a bounded number, and waits for the second with the first. Covers P35."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context, describe
from deadheat.rules.rule import Example, Rule
from deadheat.rules.sections import POOLED, confidence_of, external, spot
from deadheat.rust import Event, Kind, Root
from deadheat.rust.types import Type, peel


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """A second permit or connection while the first is held, and two connections as parameters."""
    for root in context.program.roots:
        for event in root.events:
            if event.kind is not Kind.ACQUIRE or event.mark not in POOLED or event.method.startswith("try_"):
                continue
            for first in root.flow.held(event, surely=False):
                if first.mark == event.mark and first.place == event.place and first.id != event.id:
                    yield _nested(rule, context, root, first, event)
                    break
    for root in context.program.roots:
        yield from _beside_a_transaction(rule, context, root)
    for root in context.program.roots:
        if root.handler is not None and not root.task:
            taken = _connections(context, root)
            twice = next((name for name in taken if taken.count(name) > 1), None)
            if twice is not None and root.events:
                yield _parameters(rule, context, root, twice)


def _beside_a_transaction(rule: Rule, context: Context, root: Root) -> Iterable[Finding]:
    """A statement on the pool while a transaction keeps one of its connections; one a transaction."""
    done: set[int] = set()
    for event in root.events:
        if event.query is None or not event.query.pooled or not root.flow.is_live(event):
            continue
        for first in root.events[: event.id]:
            if first.kind is not Kind.BEGIN or first.id in event.guards or first.id in done:
                continue
            ended = any(first.id in end.guards for end in root.flow.between(first, event, Kind.RELEASE))
            if root.flow.follows(first, event) and not ended:
                done.add(first.id)
                yield _beside(rule, context, root, first, event)


def _beside(rule: Rule, context: Context, root: Root, first: Event, second: Event) -> Finding:
    one, span = context.who(root), context.program.span(first.where)
    message = (
        f"{one} runs `{second.operation}` on the pool while its transaction (line {span.start_line}) keeps "
        "one of the pool's connections: it takes a second. When as many requests as there are connections "
        "have begun, all wait for a second, and nobody gives one back. Nor is the statement part of the "
        "transaction: it stays when that is rolled back."
    )
    return spot(
        rule, context, root, second,
        state=external("connection pool"),
        message=message,
        confidence=confidence_of(rule, root, None),
        related=((span, "the transaction begins here and is still open"),),
        shape=second.operation,
        since=first,
    )  # fmt: skip


def _connections(context: Context, root: Root) -> list[str]:
    """The database connections that Rocket takes from pools before the handler runs."""
    types, function = context.program.types, root.function
    found: list[str] = []
    for node in function.parameters():
        declared = peel(types.read(node.child_by_field_name("type"), function.module))
        if declared is None:
            continue
        inside = [declared]
        if (declared.name, "FromRequest") in types.implements:
            inside += [field for field in map(peel, types.fields(declared).values()) if field is not None]
        found += [name for one in inside if (name := _connection(context, one)) is not None]
    return found


def _connection(context: Context, declared: Type) -> str | None:
    if declared.short == "Connection" and "rocket" in declared.name and declared.args:
        inner = declared.args[0]
        return inner.short if inner is not None else None
    item = context.program.types.items.get(declared.name)
    if item is not None and any((node.text or b"").startswith(b"database") for node in item.attributes):
        return declared.short
    return None


def _nested(rule: Rule, context: Context, root: Root, first: Event, second: Event) -> Finding:
    place = second.place
    assert place is not None  # an acquisition
    window, one = context.window(root, first, second), context.who(root)
    state = context.program.state_of(place, second.type).path
    message = (
        f"{one} takes a second one from `{state}` in {describe(window.act)} while it holds the one from "
        f"{describe(window.check)}. When as many requests as there are hold their first, all wait for "
        "a second, "
        f"and nobody gives one back: request A waits for B and B for A."
    )
    return context.finding(
        rule, root, place, window,
        handlers=context.handlers(root, ()),
        message=message,
        confidence=confidence_of(rule, root, place, sure=bool(root.flow.must[second.id] >> first.id & 1)),
        related=context.related(window, "the first is taken here and still held", "in this call"),
        act=second,
        shape=f"{first.method}>{second.method}",
    )  # fmt: skip


def _parameters(rule: Rule, context: Context, root: Root, name: str) -> Finding:
    message = (
        f"{context.who(root)} asks for two connections to `{name}` in its parameters: Rocket takes the first "
        f"and waits for the second while holding it. When as many requests as the pool has "
        "connections hold one "
        f"each, all wait for the other's, until the pool's timeout answers 503."
    )
    return spot(
        rule, context, root, root.events[0],
        state=external(name),
        message=message,
        confidence=confidence_of(rule, root, None),
        shape="parameters",
    )  # fmt: skip


RULE = Rule(
    code="DH306",
    name="pool-self-starvation",
    title="two from one pool",
    cwe=(410, 833),
    severity=Severity.MEDIUM,
    confidence=Confidence.HIGH,
    impact=(Impact.DENIAL_OF_SERVICE,),
    summary="A request holds one connection (or permit) while it waits for a second: they starve each other.",
    explanation="""\
A pool has a fixed number of connections, a semaphore a fixed number of permits. A request that takes one and
then waits for another is fine alone. With as many such requests as there are connections, each holds one
and waits for one more, and none is ever given back:

    A: takes the 1st of 2      B: takes the 2nd of 2
    A: waits for a second      B: waits for a second

It is a deadlock that the pool's timeout turns into a wave of 503s, exactly when the load is high. Take one,
and pass it on to whoever needs it; or take all that is needed in one step.""",
    invalid=(
        Example(
            "a helper takes a permit of its own",
            """\
use rocket::{post, State, tokio::sync::Semaphore};

struct Workers { slots: Semaphore }

impl Workers {
    async fn compress(&self) {
        let _slot = self.slots.acquire().await.unwrap();
    }
}

#[post("/upload")]
async fn upload(workers: &State<Workers>) {
    let _slot = workers.slots.acquire().await.unwrap();
    workers.compress().await;
}
""",
        ),
        Example(
            "two connections as parameters",
            """\
use rocket::post;
use rocket_db_pools::{sqlx, Connection, Database};

#[derive(Database)]
#[database("main")]
struct Db(sqlx::SqlitePool);

#[post("/copy")]
async fn copy(source: Connection<Db>, target: Connection<Db>) -> &'static str {
    let _ = (source, target);
    "copied"
}
""",
        ),
        Example(
            "a statement on the pool, beside an open transaction",
            """\
use rocket::{post, State};
use sqlx::PgPool;

async fn note(pool: &PgPool, what: &str) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO audit (what) VALUES ($1)").bind(what).execute(pool).await?;
    Ok(())
}

#[post("/close/<id>")]
async fn close(id: i64, pool: &State<PgPool>) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin().await?;
    sqlx::query("UPDATE accounts SET open = false WHERE id = $1").bind(id).execute(&mut *tx).await?;
    note(pool, "closed").await?;
    tx.commit().await
}
""",
        ),
    ),
    valid=(
        Example(
            "everything in the transaction, or after it",
            """\
use rocket::{post, State};
use sqlx::PgPool;

#[post("/close/<id>")]
async fn close(id: i64, pool: &State<PgPool>) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin().await?;
    sqlx::query("UPDATE accounts SET open = false WHERE id = $1").bind(id).execute(&mut *tx).await?;
    tx.commit().await?;
    sqlx::query("INSERT INTO audit (what) VALUES ('closed')").execute(pool.inner()).await?;
    Ok(())
}
""",
        ),
        Example(
            "one permit for the whole",
            """\
use rocket::{post, State, tokio::sync::Semaphore};

struct Workers { slots: Semaphore }

async fn compress() {}

#[post("/upload")]
async fn upload(workers: &State<Workers>) {
    let _slot = workers.slots.acquire().await.unwrap();
    compress().await;
}
""",
        ),
        Example(
            "given back before the next is taken",
            """\
use rocket::{post, State, tokio::sync::Semaphore};

struct Workers { slots: Semaphore }

#[post("/upload")]
async fn upload(workers: &State<Workers>) {
    {
        let _slot = workers.slots.acquire().await.unwrap();
    }
    let _slot = workers.slots.acquire().await.unwrap();
}
""",
        ),
        Example(
            "connections to two databases",
            """\
use rocket::post;
use rocket_db_pools::{sqlx, Connection, Database};

#[derive(Database)]
#[database("main")]
struct Main(sqlx::SqlitePool);

#[derive(Database)]
#[database("archive")]
struct Archive(sqlx::SqlitePool);

#[post("/copy")]
async fn copy(source: Connection<Main>, target: Connection<Archive>) -> &'static str {
    let _ = (source, target);
    "copied"
}
""",
        ),
    ),
    fixes=(
        Fix(
            "take one and pass it to whoever needs it",
            Safety.UNSAFE,
            "nobody waits for one while holding another",
            "the helper's signature changes",
        ),
        Fix(
            "take all that is needed in one step (`acquire_many(2)`)",
            Safety.UNSAFE,
            "either all are taken or none is held while waiting",
            "fewer requests run at once",
        ),
    ),
    check=check,
)
