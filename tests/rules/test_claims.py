"""Claims on what there is one of (a quota, a permit, a right, a key, a set of rows), each with its twin."""

import pytest

from tests.rules.test_real_shapes import REDIS, SQLX, found

DIESEL = 'rocket = "0.5"\ndiesel = { version = "2", features = ["postgres"] }\n'
ROCKET = 'rocket = "0.5"\n'
IMPORTS = "use std::{collections::HashMap, sync::{Arc, Mutex, RwLock}};\n"

QUOTA = """\
use rocket::request::{FromRequest, Outcome, Request};
struct Usage { used: u32, limit: u32 }
struct Keys(Mutex<HashMap<String, Usage>>);
struct Key(String);
#[rocket::async_trait]
impl<'r> FromRequest<'r> for Key {
    type Error = ();
    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        let key = request.headers().get_one("key").unwrap_or("");
        let keys = request.rocket().state::<Keys>().unwrap();
        match keys.0.lock().unwrap().LOOK(key) {
            Some(one) if one.used < one.limit => { COUNT Outcome::Success(Key(key.to_string())) }
            _ => Outcome::Error((Status::TooManyRequests, ())),
        }
    }
}
#[get("/")]
fn convert(key: Key, keys: &State<Keys>) -> &'static str {
    THEN
    "converted"
}
"""


def test_what_an_arm_asks_for_decides_whether_a_request_guard_lets_pass() -> None:
    late = QUOTA.replace("LOOK", "get").replace("COUNT", "")
    late = late.replace(
        "THEN", "if let Some(one) = keys.0.lock().unwrap().get_mut(&key.0) { one.used += 1; }"
    )
    assert found(IMPORTS + late, ROCKET) == ["guard-then-handler"]
    at_once = QUOTA.replace("LOOK", "get_mut").replace("COUNT", "one.used += 1;").replace("THEN", "")
    assert found(IMPORTS + at_once, ROCKET) == []


PERMITS = """\
use rocket::tokio::sync::{OwnedSemaphorePermit, Semaphore};
struct Pool { slots: Arc<Semaphore> }
impl Pool {
    fn busy(&self) -> bool { self.slots.available_permits() == 0 }
    async fn slot(&self) -> OwnedSemaphorePermit { self.slots.clone().acquire_owned().await.unwrap() }
}
async fn work() {}
#[post("/jobs")]
async fn job(pool: &State<Pool>) -> Status {
    TAKE
    work().await;
    drop(permit);
    Status::Ok
}
#[get("/load")]
fn load(pool: &State<Pool>) -> String { pool.slots.available_permits().to_string() }
"""


@pytest.mark.parametrize(
    ("take", "rules"),
    [
        (
            "if pool.busy() { return Status::TooManyRequests; } let permit = pool.slot().await;",
            ["check-then-act"],
        ),
        (
            """if pool.slots.available_permits() == 0 { return Status::TooManyRequests; }
            let permit = pool.slots.acquire().await.unwrap();""",
            ["check-then-act"],
        ),
        (
            """if pool.busy() { return Status::TooManyRequests; }
            let Ok(permit) = pool.slots.try_acquire() else { return Status::TooManyRequests };""",
            [],
        ),
        ("let permit = pool.slot().await;", []),
    ],
)
def test_a_free_permit_that_was_seen_may_be_taken_when_it_is_asked_for(take: str, rules: list[str]) -> None:
    assert found(IMPORTS + PERMITS.replace("TAKE", take), ROCKET) == rules


FORUM = """\
#[derive(Clone, Default)]
struct Member { FIELD: bool, muted: bool }
struct Forum { people: RwLock<HashMap<String, Member>> }
#[post("/mute/<target>?<by>")]
fn mute(target: String, by: &str, forum: &State<Forum>) -> Result<(), Status> {
    LOOK
    if !me.FIELD { return Err(Status::Forbidden); }
    ACT.insert(target, Member { FIELD: false, muted: true });
    Ok(())
}
#[post("/change/<name>")]
fn change(name: String, forum: &State<Forum>) { forum.people.write().unwrap().remove(&name); }
"""
READ = "let me = forum.people.read().unwrap().get(by).cloned().ok_or(Status::Unauthorized)?;"
LOCKED = (
    "let mut people = forum.people.write().unwrap(); "
    "let me = people.get(by).cloned().ok_or(Status::Unauthorized)?;"
)


@pytest.mark.parametrize(
    ("field", "look", "act", "rules"),
    [
        ("admin", READ, "forum.people.write().unwrap()", ["check-then-act"]),
        ("admin", LOCKED, "people", []),
        ("avatar", READ, "forum.people.write().unwrap()", []),
    ],
)
def test_a_right_that_one_entry_says_may_be_gone_when_another_is_put_in(
    field: str, look: str, act: str, rules: list[str]
) -> None:
    source = FORUM.replace("FIELD", field).replace("LOOK", look).replace("ACT", act)
    assert found(IMPORTS + source, ROCKET) == rules


SEAT = """\
use redis::AsyncCommands;
#[post("/seats/<seat>?<user>")]
async fn hold(seat: &str, user: &str, client: &State<redis::Client>) -> Result<String, redis::RedisError> {
    let mut con = client.get_multiplexed_async_connection().await?;
    let held: Option<String> = con.get(seat).await?;
    if let Some(other) = held { return Ok(other); }
    WHAT
    SET;
    Ok(what.to_string())
}
async fn render(seat: &str) -> String { seat.to_uppercase() }
"""


@pytest.mark.parametrize(
    "store",
    [
        "con.set_ex(seat, what, 600).await?",
        'redis::cmd("SET").arg(seat).arg(KEY).query_async(&mut con).await?',
    ],
)
def test_a_key_that_takes_what_the_request_brought_is_a_claim_and_no_cache(store: str) -> None:
    claim = SEAT.replace("WHAT", "let what = user;").replace("SET;", f"{store.replace('KEY', 'user')};")
    assert found(claim, REDIS) == ["get-then-set"]
    cache = SEAT.replace("WHAT", "let what = render(seat).await;")
    assert found(cache.replace("SET;", f"{store.replace('KEY', '&what')};"), REDIS) == []


TAGS = """\
#[post("/articles/<id>/tags?<tags>")]
async fn tag(id: i64, tags: Vec<String>, pool: &State<sqlx::PgPool>) -> Result<(), sqlx::Error> {
    BEGIN
    sqlx::query("DELETE FROM tags WHERE article = $1").bind(id).execute(POOL).await?;
    for tag in &tags {
        sqlx::query("INSERT INTO tags (article, tag) VALUES ($1, $2)")
            .bind(id).bind(tag).execute(POOL).await?;
    }
    END
    Ok(())
}
"""


def test_two_that_replace_a_set_of_rows_leave_both_though_nobody_reads_them_here() -> None:
    plain = TAGS.replace("BEGIN", "").replace("END", "").replace("POOL", "pool.inner()")
    assert found(plain, SQLX) == ["delete-then-insert"]
    begun = TAGS.replace("BEGIN", "let mut tx = pool.begin().await?;").replace("END", "tx.commit().await?;")
    assert found(begun.replace("POOL", "&mut *tx"), SQLX) == []


GRANTS = """\
use diesel::prelude::*;
diesel::table! { grants (id) { id -> Integer, role -> Integer, action -> Text, } }
#[post("/roles/<role>?<actions>")]
async fn grant(role: i32, actions: Vec<String>, conn: Db) -> QueryResult<usize> {
    conn.run(move |c| {
        let row = |one| (grants::role.eq(role), grants::action.eq(one));
        let rows: Vec<_> = actions.iter().map(row).collect();
        BODY
    }).await
}
#[get("/roles/<role>")]
async fn list(role: i32, conn: Db) -> QueryResult<Vec<String>> {
    conn.run(move |c| grants::table.filter(grants::role.eq(role)).select(grants::action).load(c)).await
}
"""
REPLACE = (
    "diesel::delete(grants::table.filter(grants::role.eq(role))).execute(c)?;"
    "diesel::insert_into(grants::table).values(&rows).execute(c)"
)


def test_a_list_of_rows_replaces_what_was_deleted() -> None:
    assert found(GRANTS.replace("BODY", REPLACE), DIESEL) == ["delete-then-insert"]
    assert found(GRANTS.replace("BODY", f"c.transaction(|c| {{ {REPLACE} }})"), DIESEL) == []


PEOPLE = """\
struct Directory { people: RwLock<HashMap<u64, String>>, index: RwLock<HashMap<String, u64>> }
#[put("/people/<id>/<name>")]
fn rename(id: u64, name: String, directory: &State<Directory>) {
    WRITE
    index.insert(name, id);
}
#[get("/people/<name>")]
fn find(name: &str, directory: &State<Directory>) -> Option<String> {
    let people = directory.people.read().unwrap();
    let id = *directory.index.read().unwrap().get(name)?;
    people.get(&id).cloned()
}
"""


def test_who_holds_one_lock_while_another_comes_and_goes_takes_both_states_to_agree() -> None:
    apart = (
        "directory.people.write().unwrap().insert(id, name.clone());"
        "let mut index = directory.index.write().unwrap();"
    )
    assert found(IMPORTS + PEOPLE.replace("WRITE", apart), ROCKET) == ["torn-update"]
    both = (
        "let mut people = directory.people.write().unwrap();"
        "let mut index = directory.index.write().unwrap(); people.insert(id, name.clone());"
    )
    assert found(IMPORTS + PEOPLE.replace("WRITE", both), ROCKET) == []


THUMBNAIL = """\
use rocket::tokio::fs;
struct Media { made: Mutex<HashMap<String, String>> }
#[get("/thumbnail/<id>")]
async fn thumbnail(id: String, media: &State<Media>) -> std::io::Result<Vec<u8>> {
    let known = media.made.lock().unwrap().get(&id).cloned();
    if let Some(path) = known { HIT }
    let path = format!("/tmp/{id}");
    let bytes = id.as_bytes().to_vec();
    fs::write(&path, &bytes).await?;
    media.made.lock().unwrap().insert(id, path);
    Ok(bytes)
}
"""


def test_a_file_that_a_hit_hands_out_is_half_of_a_cache() -> None:
    cached = found(IMPORTS + THUMBNAIL.replace("HIT", "return fs::read(path).await;"), ROCKET)
    assert "check-then-act" not in cached
    once = found(IMPORTS + THUMBNAIL.replace("HIT", "return Ok(path.into_bytes());"), ROCKET)
    assert "check-then-act" in once


PAGES = """\
use rand::prelude::*;
struct Site { pages: Mutex<HashMap<String, String>> }
fn render(name: &str) -> String { name.to_uppercase() }
#[get("/pages/<name>")]
fn page(name: String, site: &State<Site>) -> String {
    let known = site.pages.lock().unwrap().get(&name).cloned();
    if let Some(text) = known { return text; }
    let text = render(&name);
    site.pages.lock().unwrap().insert(name, text.clone());
    text
}
#[post("/pages?<name>", data = "<text>")]
fn put(name: String, text: String, site: &State<Site>) -> String {
    let name = NAME;
    site.pages.lock().unwrap().insert(name.clone(), text);
    name
}
"""
DRAWN = (
    "thread_rng().sample_iter(&rand::distributions::Alphanumeric).take(9).map(char::from).collect::<String>()"
)


def test_what_gets_a_name_that_was_just_drawn_changes_nothing_that_is_cached() -> None:
    dependencies = f'{ROCKET}rand = "0.8"\n'
    assert found(IMPORTS + PAGES.replace("NAME", "name"), dependencies) == ["cache-stampede"]
    assert found(IMPORTS + PAGES.replace("NAME", DRAWN), dependencies) == []
