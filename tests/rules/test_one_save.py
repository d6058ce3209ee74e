"""A save that writes whole rows is one thing to mend, however many handlers call it."""

from deadheat.model import Confidence
from deadheat.rules import check
from deadheat.rust import read
from tests.rules.test_examples import tree

SOURCE = """\
use rocket::{post, State};
use sqlx::PgPool;
#[derive(sqlx::FromRow)]
struct User { id: i64, name: String, mail: String }
impl User {
    async fn find(id: i64, pool: &PgPool) -> User {
        sqlx::query_as::<_, User>("SELECT id, name, mail FROM users WHERE id = $1")
            .bind(id).fetch_one(pool).await.unwrap()
    }
    async fn save(&self, pool: &PgPool) {
        sqlx::query("UPDATE users SET name = $1, mail = $2 WHERE id = $3")
            .bind(&self.name).bind(&self.mail).bind(self.id).execute(pool).await.ok();
    }
}
#[post("/name/<id>/<name>")]
async fn name(id: i64, name: String, pool: &State<PgPool>) {
    let mut user = User::find(id, pool).await;
    user.name = name;
    user.save(pool).await;
}
#[post("/mail/<id>/<mail>")]
async fn mail(id: i64, mail: String, pool: &State<PgPool>) {
    let mut user = User::find(id, pool).await;
    user.mail = mail;
    WAIT
    user.save(pool).await;
}
"""


def confidences(wait: str) -> list[Confidence]:
    findings = check(read(tree(SOURCE.replace("WAIT", wait))))
    return sorted(f.confidence for f in findings if f.rule == "stale-row-write")


def test_one_caller_stands_for_all() -> None:
    found = confidences("")
    assert len(found) == 2
    assert found.count(Confidence.LOW) == 1


def test_whoever_waits_for_another_service_stands_for_itself() -> None:
    assert len(confidences('reqwest::get("https://mail.example.org").await.ok();')) == 2
