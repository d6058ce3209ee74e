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
