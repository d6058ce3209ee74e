//! Orders for more than there is, in SQLite, over a pool that is plain managed state.
//!
//! `POST /orders/<item>` asks for the stock, takes one away and writes the order: three
//! statements, each a transaction of its own, between which others have their turn. Two who
//! both saw the last lamp both get it.

use rocket::http::Status;
use rocket::response::Debug;
use rocket::{get, launch, post, routes, State};
use rocket_db_pools::sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use rocket_db_pools::sqlx::{self, Executor, SqlitePool};
use tempfile::TempDir;

/// What the database refuses becomes a 500.
type Result<T> = std::result::Result<T, Debug<sqlx::Error>>;

const TABLES: &str = "
    PRAGMA journal_mode = WAL;
    CREATE TABLE items (name text PRIMARY KEY, stock integer NOT NULL);
    CREATE TABLE orders (id integer PRIMARY KEY, item text NOT NULL)";

const GOODS: &str = "
    DELETE FROM orders;
    DELETE FROM items;
    INSERT INTO items (name, stock) VALUES ('lamp', 1), ('chair', 10)";

#[post("/orders/<item>")]
async fn order(item: &str, shop: &State<SqlitePool>) -> Result<(Status, String)> {
    let stock: Option<i64> = sqlx::query_scalar("SELECT stock FROM items WHERE name = $1")
        .bind(item)
        .fetch_optional(shop.inner())
        .await?;
    if stock.unwrap_or(0) < 1 {
        return Ok((Status::Conflict, format!("{item}: none left")));
    }

    sqlx::query("UPDATE items SET stock = stock - 1 WHERE name = $1")
        .bind(item)
        .execute(shop.inner())
        .await?;

    sqlx::query("INSERT INTO orders (item) VALUES ($1)")
        .bind(item)
        .execute(shop.inner())
        .await?;
    Ok((Status::Ok, format!("{item}: ordered")))
}

#[get("/stock/<item>")]
async fn stock(item: &str, shop: &State<SqlitePool>) -> Result<Option<String>> {
    let stock: Option<i64> = sqlx::query_scalar("SELECT stock FROM items WHERE name = $1")
        .bind(item)
        .fetch_optional(shop.inner())
        .await?;
    Ok(stock.map(|left| left.to_string()))
}

#[get("/orders/<item>")]
async fn orders(item: &str, shop: &State<SqlitePool>) -> Result<String> {
    let orders: i64 = sqlx::query_scalar("SELECT count(*) FROM orders WHERE item = $1")
        .bind(item)
        .fetch_one(shop.inner())
        .await?;
    Ok(orders.to_string())
}

/// Back to the goods of the first day, for whoever tries this more than once.
#[post("/reset")]
async fn reset(shop: &State<SqlitePool>) -> Result<&'static str> {
    shop.execute(GOODS).await?;
    Ok("as on the first day")
}

/// Every start begins with the goods of the first day.
async fn open(folder: &TempDir) -> std::result::Result<SqlitePool, sqlx::Error> {
    let file = SqliteConnectOptions::new()
        .filename(folder.path().join("shop.sqlite"))
        .create_if_missing(true);
    let shop = SqlitePoolOptions::new().connect_with(file).await?;
    shop.execute(TABLES).await?;
    shop.execute(GOODS).await?;
    Ok(shop)
}

#[launch]
async fn rocket() -> _ {
    let folder = TempDir::new().expect("a folder for the database");
    let shop = open(&folder).await.expect("a database in it");
    rocket::build()
        .manage(folder) // removed when the application ends
        .manage(shop)
        .mount("/", routes![order, stock, orders, reset])
}
