// expects: recursive-read-lock
use rocket::{get,post,State}; use parking_lot::RwLock;
struct Db { users: RwLock<Vec<u64>> }
impl Db { fn count(&self) -> usize { self.users.read().len() } }
#[get("/stats")] fn stats(db: &State<Db>) -> String { let users = db.users.read(); let c = db.count(); format!("{} {}", users.len(), c) }
#[post("/add")] fn add(db: &State<Db>) { db.users.write().push(1); }
