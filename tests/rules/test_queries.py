"""Database rules on whole programs: safe shapes, libraries, migrations, isolation."""

from deadheat.model import Confidence, StateKind
from deadheat.rules import check
from deadheat.rust import SourceTree, read

HEAD = "use rocket::{get, post, put, http::Status, State};\n"
POSTGRES = 'rocket = "0.5"\nsqlx = { version = "0.8", features = ["postgres"] }\n'
SQLITE = 'rocket = "0.5"\nsqlx = { version = "0.8", features = ["sqlite"] }\n'

REDEEM = """\
use sqlx::AnyPool;
#[post("/redeem/<code>")]
async fn redeem(code: &str, pool: &State<AnyPool>) -> Result<Status, sqlx::Error> {
    let mut tx = pool.begin().await?;
    let used: bool = sqlx::query_scalar("SELECT used FROM coupons WHERE code = $1")
        .bind(code).fetch_one(&mut *tx).await?;
    if used { return Ok(Status::Gone); }
    sqlx::query("UPDATE coupons SET used = true WHERE code = $1").bind(code).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(Status::Ok)
}
"""
REGISTER = """\
use sqlx::PgPool;
#[post("/register/<email>")]
async fn register(email: &str, pool: &State<PgPool>) -> Result<Status, sqlx::Error> {
    let known = sqlx::query("SELECT id FROM users WHERE email = $1")
        .bind(email).fetch_optional(pool.inner()).await?;
    if known.is_some() { return Ok(Status::Conflict); }
    sqlx::query("INSERT INTO users (email) VALUES ($1)").bind(email).execute(pool.inner()).await?;
    Ok(Status::Created)
}
"""


def tree(source: str, dependencies: str = POSTGRES, sql: dict[str, bytes] | None = None) -> SourceTree:
    manifest = f'[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\n{dependencies}'
    return SourceTree(
        "", {"Cargo.toml": manifest.encode()}, {"src/main.rs": (HEAD + source).encode()}, sql=sql or {}
    )


def found(source: str, dependencies: str = POSTGRES, sql: dict[str, bytes] | None = None) -> list[str]:
    findings = check(read(tree(source, dependencies, sql)))
    return [finding.rule for finding in findings if finding.confidence is not Confidence.LOW]


def test_a_transaction_is_serializable_on_sqlite_alone() -> None:
    assert found(REDEEM, SQLITE) == []
    assert found(REDEEM, POSTGRES) == ["query-check-then-act"]


def test_the_message_says_what_the_transaction_does_not_do() -> None:
    (finding,) = check(read(tree(REDEEM)))
    assert "one transaction" in finding.message
    assert finding.state.path == "coupons.used"
    assert finding.state.kind is StateKind.ROW


def test_unique_protects_until_a_migration_drops_it() -> None:
    up = b"CREATE TABLE users (id BIGSERIAL PRIMARY KEY, email TEXT NOT NULL UNIQUE);"
    drop = b"ALTER TABLE users DROP CONSTRAINT users_email_key;"
    assert found(REGISTER, sql={"migrations/1_users.sql": up}) == []
    assert found(REGISTER, sql={"migrations/1_users.sql": up, "migrations/2_no_unique.sql": drop}) == [
        "find-then-insert"
    ]


def test_a_lock_of_the_process_over_both_statements() -> None:
    source = REGISTER.replace("pool: &State<PgPool>", "pool: &State<PgPool>, gate: &State<Gate>").replace(
        "    let known", "    let _one = gate.0.lock().await;\n    let known"
    )
    assert found("struct Gate(rocket::tokio::sync::Mutex<()>);\n" + source) == []


SEA = """\
mod account {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, DeriveEntityModel)]
    #[sea_orm(table_name = "accounts")]
    pub struct Model { #[sea_orm(primary_key)] pub id: i32, pub balance: i64 }
}
use account::Entity as Account;
use sea_orm::{ActiveModelTrait, ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, Set};
"""


def test_sea_orm_active_model() -> None:
    source = (
        SEA
        + """\
#[post("/withdraw/<id>/<amount>")]
async fn withdraw(id: i32, amount: i64, db: &State<DatabaseConnection>) -> Result<(), sea_orm::DbErr> {
    let model = Account::find_by_id(id).one(db.inner()).await?.unwrap();
    let left = model.balance - amount;
    let mut active: account::ActiveModel = model.into();
    active.balance = Set(left);
    active.update(db.inner()).await?;
    Ok(())
}
"""
    )
    assert found(source) == ["row-read-modify-write"]
    converted = source.replace("let mut active: account::ActiveModel = model.into();",
                               "let mut active = model.into_active_model();")  # fmt: skip
    assert found(converted) == ["row-read-modify-write"]


def test_sea_orm_update_many_computes_in_the_database() -> None:
    source = (
        SEA
        + """\
#[post("/withdraw/<id>/<amount>")]
async fn withdraw(id: i32, amount: i64, db: &State<DatabaseConnection>) -> Result<Status, sea_orm::DbErr> {
    let done = Account::update_many()
        .col_expr(account::Column::Balance, Expr::col(account::Column::Balance).sub(amount))
        .filter(account::Column::Id.eq(id))
        .filter(account::Column::Balance.gte(amount))
        .exec(db.inner())
        .await?;
    Ok(if done.rows_affected == 1 { Status::Ok } else { Status::Conflict })
}
"""
    )
    assert found(source) == []


def test_rusqlite_begin_immediate_as_text() -> None:
    source = """\
#[post("/redeem/<code>")]
async fn redeem(code: String, db: Db) -> Result<Status, rusqlite::Error> {
    db.run(move |conn| {
        BEGIN
        let used: bool =
            conn.query_row("SELECT used FROM coupons WHERE code = ?1", [&code], |row| row.get(0))?;
        if used { return Ok(Status::Gone); }
        conn.execute("UPDATE coupons SET used = 1 WHERE code = ?1", [&code])?;
        COMMIT
        Ok(Status::Ok)
    }).await
}
"""
    immediate = source.replace("BEGIN", 'conn.execute_batch("BEGIN IMMEDIATE")?;').replace(
        "COMMIT", 'conn.execute_batch("COMMIT")?;'
    )
    assert found(immediate) == []
    assert found(source.replace("BEGIN", "").replace("COMMIT", "")) == ["query-check-then-act"]


def test_an_ownership_check_is_no_race() -> None:
    source = """\
use sqlx::PgPool;
#[derive(sqlx::FromRow)]
struct Note { id: i64, owner: i64, text: String }
#[put("/note/<id>/<me>/<text>")]
async fn edit(id: i64, me: i64, text: &str, pool: &State<PgPool>) -> Result<Status, sqlx::Error> {
    let note = sqlx::query_as::<_, Note>("SELECT * FROM notes WHERE id = $1")
        .bind(id).fetch_one(pool.inner()).await?;
    if note.owner != me { return Ok(Status::Forbidden); }
    sqlx::query("UPDATE notes SET text = $1 WHERE id = $2").bind(text).bind(id).execute(pool.inner()).await?;
    Ok(Status::Ok)
}
"""
    assert found(source) == []


def test_tables_are_in_the_inventory() -> None:
    review = read(tree(REDEEM)).review
    accesses = [access for access in review.accesses if access.state == "database:coupons"]
    assert [access.under.transaction for access in accesses] == ["default isolation", "default isolation"]
    assert [access.under.predicate for access in accesses] == ["code = code", "code = code"]
    assert {access.key for access in accesses} == {"code"}


TAKE = """\
use sqlx::{PgPool, Postgres, Transaction};
async fn left(HANDLE, sku: &str) -> sqlx::Result<Option<i32>> {
    sqlx::query_scalar("SELECT qty FROM stock WHERE sku = $1LOCKED").bind(sku).fetch_optional(RUNS).await
}
#[post("/take/<sku>/<n>")]
async fn take(sku: &str, n: i32, pool: &State<PgPool>) -> Result<Status, sqlx::Error> {
    let mut tx = pool.begin().await?;
    FIRST
    let Some(qty) = left(&mut GIVEN, sku).await? else { return Ok(Status::NotFound) };
    if qty < n { return Ok(Status::Conflict); }
    sqlx::query("UPDATE stock SET qty = $2 WHERE sku = $1").bind(sku).bind(qty - n).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(Status::Ok)
}
"""
HANDLES = {
    "tx: &mut Transaction<'_, Postgres>": ("&mut **tx", "tx"),
    "tx: &mut sqlx::PgConnection": ("tx", "*tx"),
    "tx: impl sqlx::PgExecutor<'_>": ("tx", "*tx"),
}


def stock(handle: str, locked: str = "", first: str = "") -> str:
    runs, given = HANDLES[handle]
    words = {"HANDLE": handle, "LOCKED": locked, "RUNS": runs, "GIVEN": given, "FIRST": first}
    source = TAKE
    for word, text in words.items():
        source = source.replace(word, text)
    return source


def test_a_row_locked_in_a_helper_whatever_it_takes() -> None:
    for handle in HANDLES:
        assert found(stock(handle)) == ["row-read-modify-write"]
        assert found(stock(handle, " FOR UPDATE")) == []


def test_a_bound_executor_is_the_callers_transaction() -> None:
    bound = stock("tx: impl sqlx::PgExecutor<'_>", " FOR UPDATE").replace(
        "left(tx: impl sqlx::PgExecutor<'_>", "left<'e, E: sqlx::Executor<'e, Database = Postgres>>(tx: E"
    )
    assert found(bound) == []


def test_locks_that_the_program_gives_a_meaning() -> None:
    handle = next(iter(HANDLES))
    for text in (
        "SELECT pg_advisory_xact_lock(hashtext($1))", "LOCK TABLE stock IN EXCLUSIVE MODE",
        "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    ):  # fmt: skip
        assert found(stock(handle, first=f'sqlx::query("{text}").bind(sku).execute(&mut *tx).await?;')) == []
    alone = 'sqlx::query("SELECT pg_advisory_xact_lock(7)").execute(pool.inner()).await?;'
    assert "row-read-modify-write" in found(stock(handle, first=alone))  # it ends with its statement


def test_a_column_of_a_tuple_behind_a_trait() -> None:
    source = """\
use sqlx::PgPool;
use std::sync::Arc;
#[rocket::async_trait]
trait Repo: Send + Sync {
    async fn balance(&self, id: i64) -> sqlx::Result<i64>;
    async fn store(&self, id: i64, cents: i64) -> sqlx::Result<()>;
}
struct Pg { pool: PgPool }
#[rocket::async_trait]
impl Repo for Pg {
    async fn balance(&self, id: i64) -> sqlx::Result<i64> {
        let (name, cents): (String, i64) = sqlx::query_as("SELECT name, cents FROM accounts WHERE id = $1")
            .bind(id).fetch_one(&self.pool).await?;
        Ok(cents)
    }
    async fn store(&self, id: i64, cents: i64) -> sqlx::Result<()> {
        sqlx::query("UPDATE accounts SET cents = $2 WHERE id = $1").bind(id).bind(cents)
            .execute(&self.pool).await?;
        Ok(())
    }
}
#[post("/pay/<id>/<n>")]
async fn pay(id: i64, n: i64, repo: &State<Arc<dyn Repo>>) -> Result<Status, sqlx::Error> {
    let have = repo.balance(id).await?;
    if have < n { return Ok(Status::PaymentRequired); }
    repo.store(id, have - n).await?;
    Ok(Status::Ok)
}
"""
    assert found(source) == ["row-read-modify-write"]
    assert found(source.replace("Ok(cents)", "Ok(name.len() as i64)")) != ["row-read-modify-write"]


TAG = """\
use rusqlite::{params, OptionalExtension};
struct Db(r2d2::Pool<r2d2_sqlite::SqliteConnectionManager>);
fn tag(conn: &rusqlite::Connection, name: &str) -> rusqlite::Result<i64> {
    let known: Option<i64> = conn
        .query_row("SELECT id FROM tags WHERE name = ?1", params![name], |r| r.get(0))
        .optional()?;
    if let Some(id) = known { return Ok(id); }
    conn.execute("INSERT INTO tags (name) VALUES (?1)", params![name])?;
    Ok(conn.last_insert_rowid())
}
#[post("/tags/<name>")]
fn create(name: &str, db: &State<Db>) -> Option<String> {
    let conn = db.0.get().ok()?;
    tag(&conn, name).ok().map(|id| id.to_string())
}
"""


def test_optional_asks_whether_there_is_a_row() -> None:
    rusqlite = 'rocket = "0.5"\nrusqlite = "0.31"\n'
    table = "CREATE TABLE tags (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
    assert found(TAG, rusqlite) == ["find-then-insert"]
    assert found(TAG, rusqlite, {"migrations/1.sql": table.encode()}) == []


LINK = """\
use sqlx::PgPool;
struct Token { user_id: i64, expires_at: i64 }
async fn delete(pool: &PgPool, token: &str) -> sqlx::Result<u64> {
    let done = sqlx::query("DELETE FROM email_tokens WHERE token = $1").bind(token).execute(pool).await?;
    Ok(done.rows_affected())
}
#[post("/verify/<token>")]
async fn verify(token: &str, pool: &State<PgPool>) -> Result<Status, sqlx::Error> {
    let known = sqlx::query_as::<_, Token>("SELECT user_id, expires_at FROM email_tokens WHERE token = $1")
        .bind(token).fetch_optional(pool.inner()).await?;
    let Some(known) = known else { return Ok(Status::NotFound) };
    if known.expires_at < 0 { return Ok(Status::Gone); }
    LOOKED
    sqlx::query("UPDATE users SET verified = true WHERE id = $1").bind(known.user_id)
        .execute(pool.inner()).await?;
    Ok(Status::Ok)
}
"""


def test_the_count_is_looked_at_not_only_the_error() -> None:
    assert found(LINK.replace("LOOKED", "delete(pool, token).await?;")) == ["ignored-row-count"]
    assert (
        found(LINK.replace("LOOKED", "if delete(pool, token).await? != 1 { return Ok(Status::Gone); }")) == []
    )


def test_a_field_that_is_added_to_is_what_is_written_back() -> None:
    source = """\
use mongodb::{bson::doc, Collection};
struct Seq { _id: String, value: i64 }
#[post("/next/<name>")]
async fn next(name: String, seqs: &State<Collection<Seq>>) -> Result<String, Status> {
    let found = seqs.find_one(doc! { "_id": &name }).await.map_err(|_| Status::BadGateway)?;
    let mut seq = found.ok_or(Status::NotFound)?;
    seq.value += 1;
    seqs.replace_one(doc! { "_id": &name }, &seq).await.map_err(|_| Status::BadGateway)?;
    Ok(seq.value.to_string())
}
"""
    assert found(source, 'rocket = "0.5"\nmongodb = "3"\n') == ["get-then-set"]


def test_redis_commands_with_types_and_what_is_watched() -> None:
    source = """\
use redis::{aio::MultiplexedConnection, AsyncCommands};
struct Store { con: MultiplexedConnection }
#[post("/spend/<user>/<n>")]
async fn spend(user: &str, n: i64, store: &State<Store>) -> Result<Status, Status> {
    let mut con = store.con.clone();
    let key = format!("points:{user}");
    FIRST
    let have = con.get::<_, Option<i64>>(&key).await.map_err(|_| Status::BadGateway)?.unwrap_or(0);
    if have < n { return Err(Status::PaymentRequired); }
    con.set::<_, _, ()>(&key, have - n).await.map_err(|_| Status::BadGateway)?;
    Ok(Status::Ok)
}
"""
    watch = 'let _: () = redis::cmd("WATCH").arg(&key).query_async(&mut con).await.unwrap();'
    assert found(source.replace("FIRST", ""), 'rocket = "0.5"\nredis = "0.27"\n') == ["get-then-set"]
    assert found(source.replace("FIRST", watch), 'rocket = "0.5"\nredis = "0.27"\n') == []


def test_a_row_of_as_select_is_an_entity() -> None:
    source = """\
use diesel::prelude::*;
diesel::table! { profiles (id) { id -> Integer, bio -> Text, visits -> Integer, } }
#[derive(Queryable, Selectable, AsChangeset, Identifiable)]
#[diesel(table_name = profiles)]
struct Profile { id: i32, bio: String, visits: i32 }
#[put("/bio/<id>", data = "<bio>")]
async fn bio(id: i32, bio: String, db: Db) -> Result<(), Status> {
    db.run(move |c| {
        let mut profile = profiles::table.find(id).select(Profile::as_select()).first(c)
            .map_err(|_| Status::NotFound)?;
        profile.bio = bio;
        diesel::update(&profile).set(&profile).execute(c).map_err(|_| Status::InternalServerError)?;
        Ok(())
    }).await
}
#[post("/visit/<id>")]
async fn visit(id: i32, db: Db) {
    db.run(move |c| {
        diesel::update(profiles::table.find(id)).set(profiles::visits.eq(profiles::visits + 1)).execute(c)
    }).await.ok();
}
"""
    assert found(source, 'rocket = "0.5"\ndiesel = { version = "2", features = ["postgres"] }\n') == [
        "stale-row-write"
    ]


def test_plain_documents_have_their_collections_name() -> None:
    source = """\
use mongodb::{bson::{doc, Document}, Collection};
use rocket::tokio::sync::RwLock;
use std::collections::HashMap;
struct Features { on: RwLock<HashMap<String, bool>>, col: Collection<Document> }
#[put("/features/<name>/<on>")]
async fn set(name: String, on: bool, features: &State<Features>) {
    features.on.write().await.insert(name.clone(), on);
    features.col.update_one(doc! { "name": &name }, doc! { "$set": { "on": on } }).await.ok();
}
"""
    assert found(source, 'rocket = "0.5"\nmongodb = "3"\n') == ["dual-write"]
