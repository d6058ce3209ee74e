//! A shop that sells more than it has, in SQLite.
//!
//! `POST /buy/<item>` asks the database for the stock, and if there is any, takes
//! one away and writes an order. SQLite has one writer at a time, and still each
//! statement is a transaction of its own, between which others have their turn:
//!
//! ```text
//! first                    second                   lamps left
//! SELECT stock:  1                                  1
//!                          SELECT stock:  1         1
//! UPDATE stock - 1                                  0
//!                          UPDATE stock - 1         -1
//! INSERT order, "sold"                              -1
//!                          INSERT order, "sold"     -1
//! ```
//!
//! `stock - 1` is computed by the database, so no sale is lost; it is the question
//! whether to sell at all that was answered too early.

use rocket::fairing::{self, AdHoc};
use rocket::http::Status;
use rocket::response::Debug;
use rocket::{error, get, launch, post, routes, Build, Rocket};
use rocket_db_pools::sqlx::{self, Executor, SqlitePool};
use rocket_db_pools::{Connection, Database};
use tempfile::TempDir;

#[derive(Database)]
#[database("shop")]
struct Shop(SqlitePool);

/// What the database refuses becomes a 500, and a line in the log.
type Result<T> = std::result::Result<T, Debug<sqlx::Error>>;

const TABLES: &str = "
    PRAGMA journal_mode = WAL;
    DROP TABLE IF EXISTS items;
    DROP TABLE IF EXISTS orders;
    CREATE TABLE items (name text PRIMARY KEY, stock integer NOT NULL);
    CREATE TABLE orders (id integer PRIMARY KEY, item text NOT NULL)";

const GOODS: &str = "
    DELETE FROM orders;
    DELETE FROM items;
    INSERT INTO items (name, stock) VALUES ('lamp', 1), ('chair', 10)";

#[post("/buy/<item>")]
async fn buy(item: &str, mut shop: Connection<Shop>) -> Result<(Status, String)> {
    let stock: Option<i64> = sqlx::query_scalar("SELECT stock FROM items WHERE name = $1")
        .bind(item)
        .fetch_optional(&mut **shop)
        .await?;
    if stock.unwrap_or(0) < 1 {
        return Ok((Status::Conflict, format!("{item}: none left")));
    }

    sqlx::query("UPDATE items SET stock = stock - 1 WHERE name = $1")
        .bind(item)
        .execute(&mut **shop)
        .await?;

    sqlx::query("INSERT INTO orders (item) VALUES ($1)")
        .bind(item)
        .execute(&mut **shop)
        .await?;
    Ok((Status::Ok, format!("{item}: sold")))
}

#[get("/stock/<item>")]
async fn stock(item: &str, mut shop: Connection<Shop>) -> Result<Option<String>> {
    let stock: Option<i64> = sqlx::query_scalar("SELECT stock FROM items WHERE name = $1")
        .bind(item)
        .fetch_optional(&mut **shop)
        .await?;
    Ok(stock.map(|left| left.to_string()))
}

#[get("/sold/<item>")]
async fn sold(item: &str, mut shop: Connection<Shop>) -> Result<String> {
    let sold: i64 = sqlx::query_scalar("SELECT count(*) FROM orders WHERE item = $1")
        .bind(item)
        .fetch_one(&mut **shop)
        .await?;
    Ok(sold.to_string())
}

/// Back to the goods of the first day, for whoever tries this more than once.
#[post("/reset")]
async fn reset(mut shop: Connection<Shop>) -> Result<&'static str> {
    shop.execute(GOODS).await?;
    Ok("as on the first day")
}

/// Every start begins with the goods of the first day.
async fn open(rocket: Rocket<Build>) -> fairing::Result {
    let shop = Shop::fetch(&rocket).expect("attached before");
    let opened = async {
        shop.execute(TABLES).await?;
        shop.execute(GOODS).await
    };
    match opened.await {
        Ok(_) => Ok(rocket),
        Err(refused) => {
            error!("{refused}");
            Err(rocket)
        }
    }
}

#[launch]
fn rocket() -> _ {
    // As everywhere, ROCKET_DATABASES and Rocket.toml have a say: another file, another pool.
    let folder = TempDir::new().expect("a folder for the database");
    let file = folder.path().join("shop.sqlite");
    let figment = rocket::Config::figment().join(("databases.shop.url", file));
    rocket::custom(figment)
        .manage(folder) // removed when the application ends
        .attach(Shop::init())
        .attach(AdHoc::try_on_ignite("First day", open))
        .mount("/", routes![buy, stock, sold, reset])
}
