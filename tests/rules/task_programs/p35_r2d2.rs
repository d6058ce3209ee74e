// expects: pool-self-starvation
use rocket::{post,State}; use diesel::r2d2::{ConnectionManager, Pool}; use diesel::SqliteConnection;
struct Db { pool: Pool<ConnectionManager<SqliteConnection>> }
impl Db { fn log(&self) { let mut c = self.pool.get().unwrap(); let _ = c; } }
#[post("/x")] fn x(db: &State<Db>) { let c = db.pool.get().unwrap(); db.log(); drop(c); }
