// expects: nothing
use rocket::{post,State}; use diesel::r2d2::{ConnectionManager, Pool}; use diesel::SqliteConnection;
struct Db { pool: Pool<ConnectionManager<SqliteConnection>> }
impl Db { fn log(&self, c: &mut SqliteConnection) { } }
#[post("/x")] fn x(db: &State<Db>) { let mut c = db.pool.get().unwrap(); db.log(&mut c); }
