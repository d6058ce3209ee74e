"""Statements as applications in the wild write them, each with its clean twin."""

from deadheat.rules.query_facts import edited
from tests.rules.test_real_shapes import MONGO, REDIS, SQLX, found

DIESEL = 'rocket = "0.5"\ndiesel = { version = "2", features = ["postgres"] }\nrocket_sync_db_pools = "0.1"\n'
RUSQLITE = 'rocket = "0.5"\nrusqlite = "0.31"\n'

CART = """\
use rusqlite::{params, Connection, Result};
const SCHEMA: &str = "CREATE TABLE items (id INTEGER PRIMARY KEY, cart INTEGER, product INTEGER, n INTEGER)";
fn add(conn: &Connection, cart: u32, product: u32) -> Result<()> {
    let text = "SELECT n FROM items WHERE cart = ?1 AND product = ?2 ORDER BY n DESC /* the largest first */";
    let mut stmt = conn.prepare(text)?;
    let mut rows = stmt.query(params![cart, product])?;
    let n: i32 = if let Some(row) = rows.next()? { row.get(0)? } else { 0 };
    let set = r#"UPDATE items SET n = ?1 WHERE cart = ?2 AND product = ?3"#;
    conn.execute(set, params![n + 1, cart, product])?;
    Ok(())
}
#[post("/add/<cart>/<product>")]
fn add_one(cart: u32, product: u32) -> Status {
    let conn = Connection::open("shop.db").unwrap();
    BEGIN
    add(&conn, cart, product).unwrap();
    END
    Status::Ok
}
"""


def test_a_statement_is_read_where_a_local_spells_it_however_long_it_is() -> None:
    assert found(CART.replace("BEGIN", "").replace("END", ""), RUSQLITE) == ["row-read-modify-write"]
    begun = CART.replace("BEGIN", 'conn.execute_batch("BEGIN IMMEDIATE").unwrap();')
    assert found(begun.replace("END", 'conn.execute_batch("COMMIT").unwrap();'), RUSQLITE) == []


ORDER = """\
use rusqlite::{params, Connection, Result};
const SCHEMA: &str = "CREATE TABLE orders (id INTEGER PRIMARY KEY, client INTEGER, total REAL, paid INT KEY)";
struct Order { id: u32, client: u32, total: f64 }
fn open(conn: &Connection, client: u32) -> Result<Option<Order>> {
    let mut stmt = conn.prepare("SELECT id, client, total FROM orders WHERE client = ?1 AND paid = 0")?;
    let mut rows = stmt.query_map(params![client], |row| {
        Ok(Order { id: row.get(0)?, client: row.get(1)?, total: row.get(2)? })
    })?;
    let order = rows.next().transpose()?;
    Ok(order)
}
#[post("/order/<client>")]
fn order(client: u32) -> Status {
    let conn = Connection::open("shop.db").unwrap();
    match open(&conn, client) {
        Ok(Some(_)) => Status::Ok,
        Ok(None) => {
            let made = "INSERT INTO orders (client, total, paid) VALUES (?1, 0, 0)";
            if conn.execute(made, params![client]).is_err() { return Status::Conflict; }
            Status::Created
        }
        Err(_) => Status::NotFound,
    }
}
"""


def test_a_row_made_field_by_field_is_there_or_is_not() -> None:
    assert found(ORDER.replace(" KEY)", ")"), RUSQLITE) == ["find-then-insert"]
    assert found(ORDER.replace(" KEY)", ", UNIQUE (client, paid))"), RUSQLITE) == []


VERIFY = """\
use mongodb::{bson::{self, doc, oid::ObjectId}, Collection};
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Verification { _id: ObjectId, secret: String, verified: bool }
struct Mails { verifications: Collection<Verification> }
impl Mails {
    async fn find(&self, id: &ObjectId) -> Option<Verification> {
        match self.verifications.find_one(doc! { "_id": id }, None).await { Ok(it) => it, Err(_) => None }
    }
    async fn update(&self, it: &Verification) {
        let change = doc! { "$set": bson::to_document(&it).unwrap() };
        let _ = self.verifications.update_one(doc! { "_id": it._id }, change, None).await;
    }
    async fn confirm(&self, id: &ObjectId) {
        let change = doc! { "$set": { "verified": true } };
        let _ = self.verifications.update_one(doc! { "_id": id }, change, None).await;
    }
}
#[post("/verify/<id>/<secret>")]
async fn verify(id: String, secret: String, mails: &State<Mails>) -> Option<Status> {
    let id = ObjectId::parse_str(&id).ok()?;
    let mut it = mails.find(&id).await?;
    if it.secret != secret { return None; }
    it.verified = true;
    SAVE
    Some(Status::Ok)
}
#[post("/again/<id>/<secret>")]
async fn again(id: String, secret: String, mails: &State<Mails>) -> Option<Status> {
    let id = ObjectId::parse_str(&id).ok()?;
    let change = doc! { "$set": { "secret": secret } };
    let _ = mails.verifications.update_one(doc! { "_id": id }, change, None).await;
    Some(Status::Ok)
}
"""


def test_a_field_was_assigned_whatever_was_made_of_the_document_then() -> None:
    whole = VERIFY.replace("SAVE", "mails.update(&it).await;")
    assert found(whole, MONGO) == ["get-then-set"]
    assert edited(frozenset({(6, "=verified.to_document()"), (6, "secret.?")})) == {"verified"}


EXERCISE = """\
use diesel::prelude::*;
use rocket_sync_db_pools::{database, diesel::PgConnection};
diesel::table! { exercises (id) { id -> Int4, title -> Text, likes -> Int4, } }
#[database("db")]
struct Db(PgConnection);
#[derive(Queryable)]
struct Exercise { id: i32, title: String, likes: i32 }
#[derive(AsChangeset)]
#[diesel(table_name = exercises)]
struct Changed { title: String, LIKES }
#[put("/exercises/<id>?<title>")]
async fn update(conn: Db, id: i32, title: String) {
    conn.run(move |c| {
        let current = exercises::table.find(id).first::<Exercise>(c).unwrap();
        let changed = Changed { title, COPIED };
        diesel::update(exercises::table.find(id)).set(changed).execute(c)
    }).await.unwrap();
}
#[post("/exercises/<id>/like")]
async fn like(conn: Db, id: i32) {
    conn.run(move |c| diesel::update(exercises::table.find(id))
        .set(exercises::likes.eq(exercises::likes + 1)).execute(c)).await.unwrap();
}
"""


def test_a_field_of_the_row_in_a_struct_of_ours_is_written_back_as_it_was() -> None:
    copied = EXERCISE.replace("LIKES", "likes: i32").replace("COPIED", "likes: current.likes")
    assert found(copied, DIESEL) == ["stale-row-write"]
    assert found(EXERCISE.replace(", LIKES", "").replace(", COPIED", ""), DIESEL) == []


PAYMENT = """\
use diesel::prelude::*;
use rocket_sync_db_pools::{database, diesel::PgConnection};
mod tables {
    diesel::table! { pending (id) { id -> Int4, account -> Int4, amount -> Int4, } }
    diesel::table! { booked (id) { id -> Int4, account -> Int4, amount -> Int4, } }
}
#[database("db")]
struct Db(PgConnection);
#[derive(Queryable)]
struct Pending { id: i32, account: i32, amount: i32 }
#[post("/paid/<reference>")]
async fn paid(conn: Db, reference: i32) -> Status {
    conn.run(move |c| c.transaction::<_, diesel::result::Error, _>(|c| {
        let payment: Pending = {
            use crate::tables::pending::dsl::{id as pending_id, pending};
            pending.filter(pending_id.eq(reference)).first(c)?
        };
        {
            use crate::tables::pending::dsl::*;
            GONE
        }
        {
            use crate::tables::booked::dsl::*;
            diesel::insert_into(booked)
                .values((account.eq(payment.account), amount.eq(payment.amount))).execute(c)?;
        }
        Ok(Status::Ok)
    })).await.unwrap_or(Status::NotFound)
}
"""


def test_a_pending_row_that_is_booked_elsewhere_is_one_that_is_used_up() -> None:
    """Each block has the names that it imports itself."""
    deleted = "diesel::delete(pending.filter(id.eq(payment.id))).execute(c)?"
    assert found(PAYMENT.replace("GONE", deleted + ";"), DIESEL) == ["ignored-row-count"]
    counted = f"if {deleted} == 0 {{ return Err(diesel::result::Error::NotFound); }}"
    assert found(PAYMENT.replace("GONE", counted), DIESEL) == []


SOLVED = """\
use sqlx::PgPool;
#[post("/solve/<user>/<task>")]
async fn solve(user: i64, task: i64, pool: &State<PgPool>) -> Result<Status, sqlx::Error> {
    let before: Option<(i64,)> = sqlx::query_as("SELECT id FROM solved WHERE person = $1 AND task = $2")
        .bind(user).bind(task).fetch_optional(pool.inner()).await.unwrap();
    if before.is_none() {
        sqlx::query("UPDATE people SET score = score + 5 WHERE id = $1")
            .bind(user).execute(pool.inner()).await?;
    }
    LAST
    Ok(Status::Ok)
}
"""


def test_what_is_counted_once_is_noted_too_late_in_the_table_that_is_asked() -> None:
    note = 'sqlx::query("INSERT INTO solved (person, task) VALUES ($1, $2)").bind(user).bind(task)'
    note += ".execute(pool.inner()).await?;"
    assert found(SOLVED.replace("LAST", note), SQLX) == ["query-check-then-act"]
    assert found(SOLVED.replace("LAST", ""), SQLX) == []


ACCOUNTS = """\
use mongodb::{bson::doc, Collection, IndexModel};
#[derive(serde::Serialize, serde::Deserialize)]
struct User { email: String }
struct Accounts { users: Collection<User> }
impl Accounts {
    async fn prepare(&self) {
        let unique = IndexOptions::builder().unique(true).build();
        let index = IndexModel::builder().keys(doc! { "email": 1 }).options(unique).build();
        CREATE
    }
    async fn by(&self, field: &str, value: &str) -> Option<User> {
        self.users.find_one(doc! { field: value }, None).await.ok().flatten()
    }
    async fn create(&self, email: String) -> Option<()> {
        if self.by("email", &email).await.is_some() { return None; }
        self.users.insert_one(User { email }, None).await.ok().map(|_| ())
    }
}
#[post("/users/<email>")]
async fn create(email: String, accounts: &State<Accounts>) -> Status {
    match accounts.create(email).await { Some(()) => Status::Created, None => Status::Conflict }
}
"""


def test_a_field_named_by_a_parameter_and_an_index_on_a_field_that_is_a_collection() -> None:
    assert found(ACCOUNTS.replace("CREATE", ""), MONGO) == ["get-then-set"]
    created = "self.users.create_index(index, None).await.unwrap();"
    assert found(ACCOUNTS.replace("CREATE", created), MONGO) == []


PROJECT = """\
use redis::AsyncCommands;
use tokio::sync::Mutex;
struct Cache { client: redis::Client }
#[derive(serde::Serialize, serde::Deserialize)]
struct Project { id: u32, name: String, members: Vec<u32> }
fn key_of(id: u32) -> String { format!("project:{id}") }
impl Cache {
    async fn load(&self, key: &str) -> Option<Project> {
        let mut con = self.client.get_async_connection().await.ok()?;
        let text: String = con.get(key).await.ok()?;
        serde_json::from_str(&text).ok()
    }
    async fn store(&self, key: &str, project: &Project) {
        let mut con = self.client.get_async_connection().await.unwrap();
        let text = serde_json::to_string(project).unwrap();
        let _: () = con.set(key, text).await.unwrap();
    }
}
async fn get(cache: &State<Mutex<Cache>>, id: u32) -> Option<Project> {
    cache.lock().await.load(&key_of(id)).await
}
async fn put(cache: &State<Mutex<Cache>>, it: &Project) { cache.lock().await.store(&key_of(it.id), it).await }
#[put("/projects/<id>/<name>")]
async fn rename(id: u32, name: String, cache: &State<Mutex<Cache>>) -> Option<Status> {
    RENAME
    Some(Status::Ok)
}
"""


def test_a_key_that_a_function_makes_is_one_key_whatever_it_is_given() -> None:
    apart = "let mut it = get(cache, id).await?; it.name = name; put(cache, &it).await;"
    assert found(PROJECT.replace("RENAME", apart), REDIS) == ["get-then-set"]
    fresh = "let it = Project { id, name, members: vec![] }; put(cache, &it).await;"
    assert found(PROJECT.replace("RENAME", fresh), REDIS) == []


CONTRIBUTORS = """\
use std::sync::Mutex;
fn ask(client: reqwest::blocking::Client, url: &str) -> String {
    client.get(url).send().unwrap().text().unwrap()
}
#[get("/contributors")]
fn contributors(last: &State<Mutex<String>>, client: &State<reqwest::blocking::Client>) -> String {
    BODY
}
"""


def test_a_request_that_no_function_here_awaits_is_one_that_the_thread_waits_for() -> None:
    blocking = 'rocket = "0.5"\nreqwest = { version = "0.11", features = ["blocking"] }\n'
    over = 'let mut last = last.lock().unwrap(); *last = ask(client.inner().clone(), "x"); last.clone()'
    before = 'let new = ask(client.inner().clone(), "x"); *last.lock().unwrap() = new.clone(); new'
    assert found(CONTRIBUTORS.replace("BODY", over), blocking) == ["lock-across-blocking-call"]
    assert found(CONTRIBUTORS.replace("BODY", before), blocking) == []


LOOKED_UP = """\
use mongodb::{bson::doc, Collection, Database};
#[derive(serde::Serialize, serde::Deserialize)]
struct User { email: String }
#[derive(serde::Serialize, serde::Deserialize)]
struct Visit { email: String }
async fn collection<T>(db: &Database, name: &str) -> Collection<T> { db.collection::<T>(name) }
#[post("/visits/<email>")]
async fn visit(email: String, db: &State<Database>) -> Status {
    let asked = collection::<User>(db, "ASKED").await;
    let visits = collection::<Visit>(db, "visits").await;
    if asked.find_one(doc!("email": &email), None).await.unwrap().is_some() { return Status::Conflict; }
    visits.insert_one(Visit { email }, None).await.unwrap();
    Status::Created
}
"""


def test_a_collection_is_the_one_that_the_caller_names() -> None:
    assert found(LOOKED_UP.replace("ASKED", "visits"), MONGO) == ["get-then-set"]
    assert found(LOOKED_UP.replace("ASKED", "users"), MONGO) == []


NO_SUCH = """\
use mongodb::{bson::{doc, Document}, Collection};
struct User { uid: String }
enum Error { NoSuch, Broken }
fn parsed(found: Document) -> Result<User, Error> { UNPARSED }
async fn load(users: &Collection<Document>, uid: &str) -> Result<User, Error> {
    match users.find_one(doc! { "uid": uid }, None).await {
        Ok(None) => Err(Error::NoSuch),
        Ok(Some(found)) => match parsed(found) { Ok(user) => Ok(user), Err(error) => Err(error) },
        Err(_) => Err(Error::Broken),
    }
}
#[post("/users/<uid>")]
async fn create(uid: String, users: &State<Collection<Document>>) -> Status {
    match load(users, &uid).await {
        Ok(_) => return Status::Conflict,
        Err(Error::NoSuch) => {}
        Err(_) => return Status::BadGateway,
    }
    match users.OPERATION.await { Ok(_) => Status::Created, Err(_) => Status::BadGateway }
}
"""


def test_what_a_function_makes_of_a_row_that_is_there_does_not_hide_that_it_was_looked_for() -> None:
    parse = 'found.get_str("uid").map(|it| User { uid: it.into() }).map_err(|_| Error::Broken)'
    made = NO_SUCH.replace("UNPARSED", parse)
    insert = 'insert_one(doc! { "uid": &uid }, None)'
    assert found(made.replace("OPERATION", insert), MONGO) == ["get-then-set"]
    upsert = 'update_one(doc! { "uid": &uid }, doc! { "$set": { "uid": &uid } }, None).upsert(true)'
    assert found(made.replace("OPERATION", upsert), MONGO) == []


BEST = """\
use rusqlite::{params, Connection, Result};
const SCHEMA: &str = "CREATE TABLE bids (id INTEGER PRIMARY KEY, lot INTEGER, price INTEGER)";
fn best(conn: &Connection, lot: u32) -> Result<Option<u32>> {
    conn.query_row("SELECT MAX(price) FROM bids WHERE lot = ?1", params![lot], |row| row.get(0))
}
#[post("/open/<lot>")]
fn open(lot: u32) -> Status {
    let conn = Connection::open("shop.db").unwrap();
    match best(&conn, lot) {
        Ok(DECIDES) => Status::Conflict,
        _ => {
            conn.execute("INSERT INTO bids (lot, price) VALUES (?1, 1)", params![lot]).unwrap();
            Status::Created
        }
    }
}
"""


def test_a_largest_one_is_a_question_for_any_unless_its_size_decides() -> None:
    assert found(BEST.replace("DECIDES", "Some(_)"), RUSQLITE) == ["find-then-insert"]
    assert found(BEST.replace("DECIDES", "Some(price) if price > 9"), RUSQLITE) == []
