"""Shapes that applications in the wild have and examples rarely do, each with its clean twin."""

import pytest

from deadheat.model import Confidence
from deadheat.rules import check
from deadheat.rust import SourceTree, read

HEAD = "use rocket::{get, launch, post, put, routes, http::Status, State};\n"
SQLX = 'rocket = "0.5"\nsqlx = { version = "0.8", features = ["postgres"] }\n'
MONGO = 'rocket = "0.5"\nmongodb = "2"\n'
REDIS = 'rocket = "0.5"\nredis = "0.25"\n'
SEA = 'rocket = "0.5"\nsea-orm = "1"\n'


def found(source: str, dependencies: str, **more: str) -> list[str]:
    """The rules that speak at medium confidence or above; `more` are further files (`lib` is src/lib.rs)."""
    manifest = f'[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\n{dependencies}'
    files = {f"src/{name}.rs": text.encode() for name, text in more.items()}
    files["src/main.rs"] = (HEAD + source).encode()
    findings = check(read(SourceTree("", {"Cargo.toml": manifest.encode()}, files)))
    races = (one for one in findings if one.rule not in ("blocking-call-in-handler", "lock-across-io"))
    return sorted(one.rule for one in races if one.confidence is not Confidence.LOW)


# ---------------------------------------------------------------------- documents and keys

SIGN_UP = """\
use mongodb::{bson::doc, Collection, Database};
#[derive(serde::Serialize, serde::Deserialize)]
struct Auth { username: String }
INDEX
#[post("/sign-up/<username>")]
async fn sign_up(username: String, auths: &State<Collection<Auth>>) -> Result<Status, mongodb::error::Error> {
    let filter = doc! { "username": &username };
    let mut cursor = auths.find(filter, None).await?;
    if cursor.advance().await? { return Ok(Status::Conflict); }
    auths.insert_one(Auth { username }, None).await?;
    Ok(Status::Created)
}
"""
INDEX = """\
async fn index(db: &Database) {
    let unique = IndexOptions::builder().unique(true).build();
    let model = IndexModel::builder().keys(doc! { "username": 1 }).options(unique).build();
    db.collection::<Auth>("auth").create_index(model, None).await.unwrap();
}
"""


def test_a_cursor_that_has_a_row_is_a_row_that_was_found_and_an_index_keeps_it_one() -> None:
    assert found(SIGN_UP.replace("INDEX", ""), MONGO) == ["get-then-set"]
    assert found(SIGN_UP.replace("INDEX", INDEX), MONGO) == []


LIKE = """\
use mongodb::{bson::{doc, Document}, Client, Collection};
struct News { collection: Collection<Document> }
struct Item { likedBy: Vec<String>, liked_by: Vec<String> }
impl News {
    fn new(client: &Client) -> Self { Self { collection: client.database("app").collection("news") } }
    async fn by_id(&self, id: &str) -> Option<Item> {
        let filter = doc! { "_id": id };
        let found = self.collection.find_one(filter, None).await.ok()??;
        mongodb::bson::from_document::<Item>(found).ok()
    }
    async fn store(&self, id: &str, likes: Vec<String>) {
        let filter = doc! { "_id": id };
        let update = doc! { "$set": { "likedBy": likes } };
        self.collection.update_one(filter, update, None).await.ok();
    }
}
#[post("/like/<id>/<user>")]
async fn like(id: String, user: String, client: &State<Client>) -> Option<()> {
    let news = News::new(client);
    let mut likes = news.by_id(&id).await?.liked_by.clone();
    likes.push(user);
    news.store(&id, likes).await;
    Some(())
}
"""


def test_a_document_in_a_variable_says_what_it_says_in_place() -> None:
    assert found(LIKE, MONGO) == ["get-then-set"]
    pushed = LIKE.replace('"$set": { "likedBy": likes }', '"$push": { "likedBy": { "$each": likes } }')
    assert found(pushed, MONGO) == []


CACHED = """\
use redis::AsyncCommands;
async fn cached(key: &str, con: &mut redis::aio::Connection) -> String {
    let entry = format!("page:{key}");
    let known: Option<String> = con.get(&entry).await.ok();
    match known {
        Some(text) => text,
        None => {
            let text = render(key).await;
            let _: Result<(), _> = con.set_ex(&entry, &text, 60).await;
            text
        }
    }
}
async fn render(key: &str) -> String { key.to_string() }
#[get("/<page>")]
async fn page(page: String, client: &State<redis::Client>) -> Option<String> {
    let mut con = client.get_async_connection().await.ok()?;
    let menu = cached("menu", &mut con).await;
    Some(menu + &cached(&page, &mut con).await)
}
"""


def test_a_page_that_is_kept_when_there_was_none_is_a_cache() -> None:
    assert found(CACHED, REDIS) == []
    twice = CACHED.replace(
        "Some(text) => text,", "Some(text) => { con.set(&entry, text.len()).await.ok(); text }"
    )
    assert found(twice, REDIS) == ["get-then-set"]


CODE = """\
#[post("/reset/<email>/<code>")]
async fn reset(email: String, code: String, client: &State<redis::Client>) -> Option<Status> {
    let mut con = client.get_async_connection().await.ok()?;
    let known: Option<String> = redis::cmd("GET").arg(format!("code:{email}"))
        .query_async(&mut con).await.ok()?;
    if known? != code { return Some(Status::Forbidden); }
    let gone: Result<i64, redis::RedisError> = redis::cmd("DEL").arg(format!("code:{email}"))
        .query_async(&mut con).await;
    CHECK
    Some(Status::Ok)
}
"""


def test_a_code_is_used_once_where_the_count_of_its_deletion_is_looked_at() -> None:
    asked = "match gone { Ok(1) => {} _ => return Some(Status::Gone) }"
    assert found(CODE.replace("CHECK", asked), REDIS) == []
    assert found(CODE.replace("CHECK", ""), REDIS) == ["get-then-set"]


SLED = """\
mod store;
use store::Store;
#[post("/points/<id>")]
fn points(id: String, store: &State<Store>) {
    let mut account = store.load(&id);
    account.points += 1;
    store.save(&account);
}
"""
STORE = """\
use sled::Db;
pub struct Account { pub id: String, pub points: u32 }
pub struct Store { db: Db }
impl Store {
    pub fn load(&self, id: &str) -> Account { self.db.get(id).unwrap().unwrap().into() }
    pub fn save(&self, account: &Account) { self.db.insert(&account.id, account.points).unwrap(); }
}
"""


def test_a_module_that_library_and_binary_declare_is_one_and_sled_is_a_store() -> None:
    sled = 'rocket = "0.5"\nsled = "0.34"\n'
    assert found(SLED, sled, store=STORE) == ["get-then-set"]
    assert found(SLED, sled, store=STORE, lib="pub mod store;\n") == ["get-then-set"]
    swapped = STORE.replace(
        "self.db.insert(&account.id, account.points)",
        "self.db.fetch_and_update(&account.id, |old| old.map(|n| n + 1))",
    )
    assert found(SLED, sled, store=swapped) == []


DERIVED = """\
use mongodb::{bson::doc, Client};
#[derive(Entity, Clone)]
struct User { id: Option<u32>, email: String, places: Vec<String> }
#[put("/places/<email>/<place>")]
async fn add(email: String, place: String, client: &State<Client>) -> Option<()> {
    let mut user = dbg!(User::find_one(doc! { "email": &email }, &client.database("app"), None).await?);
    user.places.push(place);
    let places = mongodb::bson::to_bson(&user.places).unwrap();
    user.update(doc! { "$OP": { "places": places } }.into(), &client.database("app")).await.ok()?;
    Some(())
}
"""


def test_queries_that_a_derive_wrote_are_read_by_their_verbs() -> None:
    assert found(DERIVED.replace("$OP", "$set"), MONGO) == ["get-then-set"]
    assert found(DERIVED.replace("$OP", "$addToSet"), MONGO) == []
    no_database = DERIVED.replace('&client.database("app"), None', "7").replace(
        ', &client.database("app")', ""
    )
    assert found(no_database.replace("$OP", "$set"), MONGO) == []


# ---------------------------------------------------------------------- rows

CREATE = """\
mod entity;
mod migration;
use entity::member;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter};
#[post("/join/<team>/<user>")]
async fn join(team: i32, user: i32, db: &State<DatabaseConnection>) -> Result<Status, sea_orm::DbErr> {
    let known = member::Entity::find()
        .filter(member::Column::TeamId.eq(team).and(member::Column::UserId.eq(user)))
        .one(db.inner()).await?;
    if known.is_some() { return Ok(Status::Conflict); }
    let row = member::ActiveModel { team_id: Set(team), user_id: Set(user), ..Default::default() };
    row.insert(db.inner()).await?;
    Ok(Status::Created)
}
"""
ENTITY = """\
pub mod member {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "member")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub row_id: i32,
        pub team_id: i32,
        pub user_id: i32,
        pub visits: i32,
    }
}
"""
MIGRATION = """\
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(
            Table::create().table(Member::Table)
                .col(ColumnDef::new(Member::RowId).integer().not_null().primary_key())
                .col(ColumnDef::new(Member::TeamId).integer().not_null())
                .col(ColumnDef::new(Member::UserId).integer().not_null())
                .index(Index::create().name("once").col(Member::TeamId).col(Member::UserId)UNIQUE)
                .to_owned(),
        ).await
    }
}
"""


@pytest.mark.parametrize(("unique", "rules"), [(".unique()", []), ("", ["find-then-insert"])])
def test_a_sea_orm_migration_tells_what_is_unique(unique: str, rules: list[str]) -> None:
    assert found(CREATE, SEA, entity=ENTITY, migration=MIGRATION.replace("UNIQUE", unique)) == rules
    part = "member::Column::TeamId.eq(team).and(member::Column::UserId.eq(user))"
    halves = CREATE.replace(part, "mine.and(member::Column::UserId.eq(user))")
    assert found(halves, SEA, entity=ENTITY, migration=MIGRATION.replace("UNIQUE", unique)) == rules


VISIT = """\
mod entity;
use entity::member;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, DatabaseConnection, EntityTrait};
#[post("/visit/<id>/<team>")]
async fn visit(id: i32, team: i32, db: &State<DatabaseConnection>) -> Result<(), sea_orm::DbErr> {
    let Some(row) = member::Entity::find_by_id(id).one(db.inner()).await? else { return Ok(()) };
    let change = member::ActiveModel { row_id: Set(row.row_id), FIELD, ..Default::default() };
    change.update(db.inner()).await?;
    Ok(())
}
"""


def test_an_active_model_made_of_a_literal_writes_the_fields_that_are_set() -> None:
    assert found(VISIT.replace("FIELD", "visits: Set(row.visits + 1)"), SEA, entity=ENTITY) == [
        "row-read-modify-write"
    ]
    assert found(VISIT.replace("FIELD", "team_id: Set(team)"), SEA, entity=ENTITY) == []


APPROVE = """\
use sqlx::PgPool;
#[post("/approve/<id>")]
async fn approve(id: i64, pool: &State<PgPool>) -> Result<Status, sqlx::Error> {
    let taken = sqlx::query("SELECT r2.id FROM bookings r1 JOIN bookings r2 ON r2.seat = r1.seat \\
        AND r2.status = 'approved' WHERE r1.id = $1").bind(id).fetch_optional(pool.inner()).await?;
    if taken.is_some() { return Ok(Status::Conflict); }
    let done = sqlx::query("UPDATE bookings SET status = 'approved' WHERE id = $1 AND status = 'pending'")
        .bind(id).execute(pool.inner()).await?;
    Ok(if done.rows_affected() == 1 { Status::Ok } else { Status::Gone })
}
"""


def test_a_condition_on_the_row_itself_does_not_ask_the_others_again() -> None:
    assert found(APPROVE, SQLX) == ["query-check-then-act"]
    alone = APPROVE.replace(
        "r2 ON r2.seat = r1.seat \\\n        AND r2.status = 'approved' WHERE", "r2 ON r2.id = r1.id WHERE"
    )
    assert found(alone, SQLX) == []


INVITE = """\
use sqlx::PgPool;
#[derive(sqlx::FromRow)]
struct Invite { id: String, uses: i32, expires: i64 }
impl Invite {
    fn is_valid(&self) -> bool { self.LOOK > 0 }
}
#[post("/register/<code>")]
async fn register(code: String, pool: &State<PgPool>) -> Result<Status, sqlx::Error> {
    let invite: Invite = sqlx::query_as("SELECT id, uses, expires FROM invites WHERE id = $1")
        .bind(&code).fetch_one(pool.inner()).await?;
    if !invite.is_valid() { return Ok(Status::Gone); }
    sqlx::query("UPDATE invites SET uses = uses - 1 WHERE id = $1").bind(&invite.id)
        .execute(pool.inner()).await?;
    Ok(Status::Created)
}
"""


def test_what_a_method_looks_at_decides() -> None:
    assert found(INVITE.replace("LOOK", "uses"), SQLX) == ["query-check-then-act"]
    assert found(INVITE.replace("LOOK", "expires"), SQLX) == []


LOCKED = """\
use sqlx::PgPool;
#[post("/ban/<burrow>/<user>")]
async fn ban(burrow: i64, user: i64, pool: &State<PgPool>) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin().await?;
    sqlx::query("UPDATE burrows SET banned = true WHERE id = $1").bind(BY).execute(&mut *tx).await?;
    let (count,): (i64,) = sqlx::query_as("SELECT bans FROM users WHERE id = $1").bind(user)
        .fetch_one(&mut *tx).await?;
    sqlx::query("UPDATE users SET bans = $1 WHERE id = $2").bind(count + 1).bind(user)
        .execute(&mut *tx).await?;
    tx.commit().await
}
"""


def test_a_lock_on_a_row_of_another_table_protects_what_hangs_on_that_row() -> None:
    assert found(LOCKED.replace("BY", "burrow"), SQLX) == ["row-read-modify-write"]
    assert found(LOCKED.replace("BY", "user"), SQLX) == []


def test_a_count_beside_the_columns_is_no_count_of_the_rows() -> None:
    source = """\
use sqlx::PgPool;
#[post("/title/<id>")]
async fn title(id: i64, pool: &State<PgPool>) -> Result<(), sqlx::Error> {
    let (n, _): (i64, i64) = sqlx::query_as(
        "SELECT n, (SELECT COUNT(*) FROM votes WHERE quiz = $1) AS votes FROM quizzes WHERE id = $1",
    ).bind(id).fetch_one(pool.inner()).await?;
    sqlx::query("UPDATE quizzes SET n = $1 WHERE id = $2").bind(n + 1).bind(id).execute(pool.inner()).await?;
    Ok(())
}
"""
    assert found(source, SQLX) == ["row-read-modify-write"]


# ---------------------------------------------------------------------- memory

SHARED = """\
use std::{collections::VecDeque, sync::{Arc, Mutex}};
struct Counts { done: u32 }
type Queue = Arc<Mutex<VecDeque<u32>>>;
#[get("/")]
fn status(counts: &State<Arc<Mutex<Counts>>>, queue: &State<Queue>) -> String {
    let counts = counts.lock().unwrap();
    let queue = queue.lock().unwrap();
    format!("{} {}", counts.done, queue.len())
}
async fn collect(queue: Queue, counts: Arc<Mutex<Counts>>) {
    loop {
        FIRST
    }
}
async fn serve(queue: Queue, counts: Arc<Mutex<Counts>>) {
    rocket::build().manage(queue).manage(counts).mount("/", routes![status]).launch().await.ok();
}
#[tokio::main]
async fn main() {
    let counts = Arc::new(Mutex::new(Counts { done: 0 }));
    let queue = Arc::new(Mutex::new(VecDeque::with_capacity(8)));
    tokio::spawn(collect(queue.clone(), counts.clone()));
    serve(queue, counts).await;
}
"""


def test_what_the_start_makes_to_be_shared_is_what_rocket_manages() -> None:
    wrong = (
        "let mut one = queue.lock().unwrap(); counts.lock().unwrap().done += one.pop_front().unwrap_or(0);"
    )
    right = (
        "let mut all = counts.lock().unwrap(); all.done += queue.lock().unwrap().pop_front().unwrap_or(0);"
    )
    assert found(SHARED.replace("FIRST", wrong), 'rocket = "0.5"\n') == ["lock-order-inversion"]
    assert found(SHARED.replace("FIRST", right), 'rocket = "0.5"\n') == []


def test_whether_something_was_sent_is_no_decision_about_what_it_says() -> None:
    source = """\
use rocket::tokio::sync::RwLock;
use std::collections::HashMap;
struct Board { best: RwLock<HashMap<String, u32>> }
#[get("/ws/<name>")]
async fn live(name: String, board: &State<Board>, mut stream: Stream) {
    let many = board.best.read().await.len();
    if stream.send(many).await.is_err() { return; }
    board.best.write().await.insert(name, 1);
}
"""
    assert found(source, 'rocket = "0.5"\n') == []
    decided = source.replace("stream.send(many).await.is_err()", "many > 9")
    assert found(decided, 'rocket = "0.5"\n') == ["check-then-act"]


# ---------------------------------------------------------------------- statements that take a way around

PREPARED = """\
use rusqlite::Connection;
struct Db { connection: Connection }
impl Db {
    fn key_of(&self, id: i64) -> Result<String, String> {
        let text = "SELECT key FROM user WHERE id = ?1";
        let mut asked = self.connection.prepare(text).map_err(|_| String::new())?;
        let mut rows = asked.query_map([id], |row| row.get(0)).map_err(|_| String::new())?;
        match rows.next() { Some(Ok(key)) => Ok(key), _ => Err(String::new()) }
    }
}
#[post("/key/<id>/<key>")]
fn turn(id: i64, key: String) -> Result<String, String> {
    let db = Db { connection: Connection::open("users.db").unwrap() };
    if db.key_of(id)? != key { return Err(String::new()); }
    let fresh = fresh();
    UPDATE
    if turned == 0 { return Err(String::new()); }
    Ok(fresh)
}
"""
LATER = """\
let asked = "UPDATE user SET key = ?1 WHERE id = ?2WHERE";
    let turned = db.connection.execute(asked, (&fresh, idKEY)).unwrap();
"""


def test_a_prepared_statement_is_one_whatever_its_error_is_made_into() -> None:
    lite = 'rocket = "0.5"\nrusqlite = "0.31"\n'
    racy = PREPARED.replace("UPDATE", LATER.replace('WHERE"', '"').replace("idKEY", "id"))
    clean = PREPARED.replace("UPDATE", LATER.replace('WHERE"', ' AND key = ?3"').replace("idKEY", "id, &key"))
    assert found(racy, lite) == ["query-check-then-act"]
    assert found(clean, lite) == []


MONTHS = """\
use sqlx::MySqlPool;
struct Days { id: String, january: i32, february: i32 }
impl Days {
    async fn find(pool: &MySqlPool, id: &str) -> Result<Days, sqlx::Error> {
        sqlx::query_as!(Days, "SELECT * FROM days WHERE id = ?", id).fetch_one(pool).await
    }
    async fn check_in(&mut self, pool: &MySqlPool, month: u32) {
        let (column, days) = match month {
            1 => ("january", &mut self.january),
            _ => ("february", &mut self.february),
        };
        *days |= 4;
        let query = format!("UPDATE days SET {} = SET WHERE id = ?", column);
        let _ = sqlx::query(&query).bind(VALUE).bind(&self.id).execute(pool).await;
    }
}
#[post("/check-in/<id>/<month>")]
async fn check_in(id: String, month: u32, pool: &State<MySqlPool>) {
    let mut days = Days::find(pool, &id).await.unwrap();
    days.check_in(pool, month).await;
}
"""


def test_a_column_that_is_filled_into_the_text_is_one_of_those_it_was_worked_out_from() -> None:
    assert found(MONTHS.replace("= SET", "= ?").replace("VALUE", "*days"), SQLX) == ["row-read-modify-write"]
    assert found(MONTHS.replace("= SET", "= ?").replace("VALUE", "month"), SQLX) == []


RECIPE = """\
use diesel::prelude::*;
use rocket_sync_db_pools::{database, diesel::PgConnection};
diesel::table! { recipes (id) { id -> Int4, title -> Text, servings -> Text, } }
#[database("db")]
struct Db(PgConnection);
#[derive(Queryable, Identifiable)]
struct Recipe { id: i32, title: String, servings: String }
#[put("/recipes/<id>?<title>&<servings>")]
async fn update(conn: Db, id: i32, title: Option<String>, servings: String) {
    let recipe = conn.run(move |c| recipes::table.find(id).first::<Recipe>(c)).await.unwrap();
    let title = TITLE;
    conn.run(move |c| diesel::update(&recipe)
        .set((recipes::title.eq(title), recipes::servings.eq(servings))).execute(c)).await.unwrap();
}
"""


def test_a_struct_without_a_table_name_is_a_row_of_the_table_that_diesel_takes_it_for() -> None:
    diesel = (
        'rocket = "0.5"\ndiesel = { version = "2", features = ["postgres"] }\nrocket_sync_db_pools = "0.1"\n'
    )
    kept = RECIPE.replace("TITLE", "title.unwrap_or(recipe.title.clone())")
    assert found(kept, diesel) == ["row-read-modify-write"]
    assert found(RECIPE.replace("TITLE", "title.unwrap_or_default()"), diesel) == []


COUNTED = "static mut NEXT: i64 = 0;\npub fn next() -> i64 { unsafe { NEXT += 1; NEXT } }\n"


def test_a_file_that_only_the_tests_have_is_no_program_of_its_own() -> None:
    declared = 'mod tests;\n#[get("/next")] fn of() -> String { tests::next().to_string() }\n'
    assert found(declared, 'rocket = "0.5"\n', tests=COUNTED) == ["static-mut"]
    assert found("#[cfg(test)]\nmod tests;\n", 'rocket = "0.5"\n', tests=COUNTED) == []
