"""DH480: a row is loaded, and later written back whole, with what has become stale. Covers P48."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Fix, Impact, Safety, Severity
from deadheat.rules.context import Context
from deadheat.rules.queries import Shape
from deadheat.rules.query_report import report, sifted
from deadheat.rules.rule import Example, Rule

_STORY = (
    "{one} loads a row of `{state}` in {check} and writes it back whole in {act}{wide}. "
    "Request A ({one}) loads; request B ({other}) changes another column; A writes all columns as it "
    "loaded them: "
    "B's change is undone."
)


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Whole-row saves; what is only one more caller of a save that another stands for is a note."""
    for pair, again in sifted(context, Shape.STALE_ROW):
        yield report(rule, context, pair, _STORY, "loads the row", again=again)


RULE = Rule(
    code="DH480",
    name="stale-row-write",
    title="stale whole-row write",
    cwe=(362,),
    severity=Severity.HIGH,
    confidence=Confidence.HIGH,
    impact=(
        Impact.DATA_CORRUPTION,
        Impact.AUTHORIZATION_BYPASS,
    ),
    summary="A whole row is written back as it was loaded: what others changed meanwhile is undone.",
    explanation="""\
The handler loads a row, changes one field, perhaps waits for something, and saves the row: all of its
columns, also those it never touched, with the values they had when it was loaded. Whatever another
request wrote to these columns in between is taken back, and nobody is told:

    A: load user             credits 0
    B: credits = credits + 10       10
    A: save user (name changed)     credits 0 again

Every `.await` between load and save makes the window as wide as what is awaited. Write only the columns
that you mean to change, or lock the row from load to save.""",
    invalid=(
        Example(
            "load, wait, `save`",
            """\
use diesel::prelude::*;
use rocket::{patch, post};

diesel::table! {
    users (id) {
        id -> Integer,
        name -> Text,
        credits -> Integer,
    }
}

#[derive(Queryable, Identifiable, AsChangeset)]
#[diesel(table_name = users)]
struct User { id: i32, name: String, credits: i32 }

impl User {
    async fn find(id: i32, conn: &Db) -> Option<User> {
        conn.run(move |c| users::table.find(id).first::<User>(c).ok()).await
    }

    async fn save(&self, conn: &Db) -> QueryResult<usize> {
        conn.run(|c| diesel::update(users::table.find(self.id)).set(self).execute(c)).await
    }
}

async fn mail(name: &str) {}

#[patch("/user/<id>/<name>")]
async fn rename(id: i32, name: String, conn: Db) -> Option<()> {
    let mut user = User::find(id, &conn).await?;
    mail(&name).await;
    user.name = name;
    user.save(&conn).await.ok()?;
    Some(())
}

#[post("/user/<id>/credits")]
async fn give(id: i32, conn: Db) -> QueryResult<usize> {
    conn
        .run(move |c| {
            diesel::update(users::table.find(id))
                .set(users::credits.eq(users::credits + 10))
                .execute(c)
        })
        .await
}
""",
        ),
        Example(
            "an update method that writes every column",
            """\
use rocket::{patch, post, State};
use sqlx::PgPool;

#[derive(sqlx::FromRow)]
struct Vm { id: i64, key: i64, expires: i64 }

async fn get_vm(pool: &PgPool, id: i64) -> Result<Vm, sqlx::Error> {
    sqlx::query_as::<_, Vm>("SELECT * FROM vm WHERE id = $1").bind(id).fetch_one(pool).await
}

async fn update_vm(pool: &PgPool, vm: &Vm) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE vm SET key = $1, expires = $2 WHERE id = $3")
        .bind(vm.key)
        .bind(vm.expires)
        .bind(vm.id)
        .execute(pool)
        .await?;
    Ok(())
}

async fn tell_host() {}

#[patch("/vm/<id>/key/<key>")]
async fn set_key(id: i64, key: i64, pool: &State<PgPool>) -> Result<(), sqlx::Error> {
    let mut vm = get_vm(pool, id).await?;
    vm.key = key;
    tell_host().await;
    update_vm(pool, &vm).await
}

#[post("/vm/<id>/paid")]
async fn paid(id: i64, pool: &State<PgPool>) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE vm SET expires = expires + 30 WHERE id = $1").bind(id).execute(pool.inner()).await?;
    Ok(())
}
""",
        ),
    ),
    valid=(
        Example(
            "only the column that is meant",
            """\
use diesel::prelude::*;
use rocket::{patch, post};

diesel::table! {
    users (id) {
        id -> Integer,
        name -> Text,
        credits -> Integer,
    }
}

#[derive(Queryable, Identifiable, AsChangeset)]
#[diesel(table_name = users)]
struct User { id: i32, name: String, credits: i32 }

impl User {
    async fn find(id: i32, conn: &Db) -> Option<User> {
        conn.run(move |c| users::table.find(id).first::<User>(c).ok()).await
    }

    async fn save(&self, conn: &Db) -> QueryResult<usize> {
        conn.run(|c| diesel::update(users::table.find(self.id)).set(self).execute(c)).await
    }
}

#[patch("/user/<id>/<name>")]
async fn rename(id: i32, name: String, conn: Db) -> QueryResult<usize> {
    conn.run(move |c| diesel::update(users::table.find(id)).set(users::name.eq(name)).execute(c)).await
}

#[post("/user/<id>/credits")]
async fn give(id: i32, conn: Db) -> QueryResult<usize> {
    conn
        .run(move |c| {
            diesel::update(users::table.find(id))
                .set(users::credits.eq(users::credits + 10))
                .execute(c)
        })
        .await
}
""",
        ),
        Example(
            "nobody else writes another column",
            """\
use diesel::prelude::*;
use rocket::{patch, post};

diesel::table! {
    users (id) {
        id -> Integer,
        name -> Text,
        credits -> Integer,
    }
}

#[derive(Queryable, Identifiable, AsChangeset)]
#[diesel(table_name = users)]
struct User { id: i32, name: String, credits: i32 }

impl User {
    async fn find(id: i32, conn: &Db) -> Option<User> {
        conn.run(move |c| users::table.find(id).first::<User>(c).ok()).await
    }

    async fn save(&self, conn: &Db) -> QueryResult<usize> {
        conn.run(|c| diesel::update(users::table.find(self.id)).set(self).execute(c)).await
    }
}

async fn mail(name: &str) {}

#[patch("/user/<id>/<name>")]
async fn rename(id: i32, name: String, conn: Db) -> Option<()> {
    let mut user = User::find(id, &conn).await?;
    mail(&name).await;
    user.name = name;
    user.save(&conn).await.ok()?;
    Some(())
}
""",
        ),
    ),
    fixes=(
        Fix(
            "write only the columns that change",
            Safety.UNSAFE,
            "columns that are not written keep what others wrote",
            "one statement for each kind of change",
        ),
        Fix(
            "load with `FOR UPDATE` and save in the same transaction",
            Safety.UNSAFE,
            "nobody can change the row in between",
            "do not wait for other services while the lock is held",
        ),
        Fix(
            "compare a version column in the WHERE and reload when no row was changed",
            Safety.UNSAFE,
            "a stale row is not written",
            "the caller must retry",
        ),
    ),
    check=check,
)
