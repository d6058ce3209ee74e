//! Signing up: the name one chooses must still be free. In PostgreSQL.
//!
//! `POST /signup/<name>` asks the database whether there is an account of that name,
//! and if not, adds one. The column is not UNIQUE, so the question is all there is
//! against two of them:
//!
//! ```text
//! first                    second                   accounts
//! SELECT ada:  none
//!                          SELECT ada:  none
//! INSERT, "welcome"                                 ada
//!                          INSERT, "welcome"        ada, ada
//! ```
//!
//! A transaction around the two would not help, and neither would a lock on the row:
//! there is no row yet that could be locked.

use std::env;

use rocket::fairing::{self, AdHoc};
use rocket::http::Status;
use rocket::response::Debug;
use rocket::{error, get, launch, post, routes, Build, Rocket};
use rocket_db_pools::sqlx::{self, Executor, PgPool};
use rocket_db_pools::{Connection, Database};

#[derive(Database)]
#[database("site")]
struct Site(PgPool);

/// What the database refuses becomes a 500, and a line in the log.
type Result<T> = std::result::Result<T, Debug<sqlx::Error>>;

const TABLES: &str = "
    DROP TABLE IF EXISTS accounts;
    CREATE TABLE accounts (id bigserial PRIMARY KEY, name text NOT NULL, password text NOT NULL)";

/// Stands for a password hash, which would take longer.
fn hash(password: &str) -> String {
    format!("hash of {} letters", password.len())
}

#[post("/signup/<name>", data = "<password>")]
async fn signup(
    name: &str,
    password: String,
    mut site: Connection<Site>,
) -> Result<(Status, String)> {
    let taken: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM accounts WHERE name = $1)")
        .bind(name)
        .fetch_one(&mut **site)
        .await?;
    if taken {
        return Ok((Status::Conflict, format!("{name} is taken")));
    }

    sqlx::query("INSERT INTO accounts (name, password) VALUES ($1, $2)")
        .bind(name)
        .bind(hash(&password))
        .execute(&mut **site)
        .await?;
    Ok((Status::Created, format!("welcome, {name}")))
}

#[get("/accounts")]
async fn accounts(mut site: Connection<Site>) -> Result<String> {
    let names: Vec<String> = sqlx::query_scalar("SELECT name FROM accounts ORDER BY name")
        .fetch_all(&mut **site)
        .await?;
    Ok(names.join("\n"))
}

/// Back to no account at all, for whoever tries this more than once.
#[post("/reset")]
async fn reset(mut site: Connection<Site>) -> Result<&'static str> {
    site.execute("DELETE FROM accounts").await?;
    Ok("no accounts")
}

/// Every start begins without accounts.
async fn open(rocket: Rocket<Build>) -> fairing::Result {
    let site = Site::fetch(&rocket).expect("attached before");
    match site.execute(TABLES).await {
        Ok(_) => Ok(rocket),
        Err(refused) => {
            error!("{refused}");
            Err(rocket)
        }
    }
}

#[launch]
fn rocket() -> _ {
    // As everywhere, ROCKET_DATABASES and Rocket.toml have a say in the pool.
    let database = env::var("DATABASE_URL").expect("DATABASE_URL=postgres://user@host/database");
    let figment = rocket::Config::figment().join(("databases.site.url", database));
    rocket::custom(figment)
        .attach(Site::init())
        .attach(AdHoc::try_on_ignite("Tables", open))
        .mount("/", routes![signup, accounts, reset])
}
