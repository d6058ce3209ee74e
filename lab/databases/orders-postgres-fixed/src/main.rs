//! Orders that used to be for more than there was, in PostgreSQL.
//!
//! The twin of `orders-postgres`. The condition is part of the UPDATE here, and the order is written
//! in the same transaction: the second request waits until the first one's is over, and then
//! sees what it left.

use std::env;

use rocket::http::Status;
use rocket::response::Debug;
use rocket::{get, launch, post, routes, State};
use rocket_db_pools::sqlx::{self, Executor, PgPool};

/// What the database refuses becomes a 500.
type Result<T> = std::result::Result<T, Debug<sqlx::Error>>;

const TABLES: &str = "
    DROP TABLE IF EXISTS items, orders;
    CREATE TABLE items (name text PRIMARY KEY, stock bigint NOT NULL);
    CREATE TABLE orders (id bigserial PRIMARY KEY, item text NOT NULL)";

const GOODS: &str = "
    DELETE FROM orders;
    DELETE FROM items;
    INSERT INTO items (name, stock) VALUES ('lamp', 1), ('chair', 10)";

#[post("/orders/<item>")]
async fn order(item: &str, shop: &State<PgPool>) -> Result<(Status, String)> {
    let mut tx = shop.begin().await?;
    let taken = sqlx::query("UPDATE items SET stock = stock - 1 WHERE name = $1 AND stock > 0")
        .bind(item)
        .execute(&mut *tx)
        .await?;
    if taken.rows_affected() == 0 {
        return Ok((Status::Conflict, format!("{item}: none left")));
    }

    sqlx::query("INSERT INTO orders (item) VALUES ($1)")
        .bind(item)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok((Status::Ok, format!("{item}: ordered")))
}

#[get("/stock/<item>")]
async fn stock(item: &str, shop: &State<PgPool>) -> Result<Option<String>> {
    let stock: Option<i64> = sqlx::query_scalar("SELECT stock FROM items WHERE name = $1")
        .bind(item)
        .fetch_optional(shop.inner())
        .await?;
    Ok(stock.map(|left| left.to_string()))
}

#[get("/orders/<item>")]
async fn orders(item: &str, shop: &State<PgPool>) -> Result<String> {
    let orders: i64 = sqlx::query_scalar("SELECT count(*) FROM orders WHERE item = $1")
        .bind(item)
        .fetch_one(shop.inner())
        .await?;
    Ok(orders.to_string())
}

/// Back to the goods of the first day, for whoever tries this more than once.
#[post("/reset")]
async fn reset(shop: &State<PgPool>) -> Result<&'static str> {
    shop.execute(GOODS).await?;
    Ok("as on the first day")
}

/// Every start begins with the goods of the first day.
async fn open(url: &str) -> std::result::Result<PgPool, sqlx::Error> {
    let shop = PgPool::connect(url).await?;
    shop.execute(TABLES).await?;
    shop.execute(GOODS).await?;
    Ok(shop)
}

#[launch]
async fn rocket() -> _ {
    let url = env::var("DATABASE_URL").expect("DATABASE_URL=postgres://user@host/database");
    let shop = open(&url).await.expect("that database");
    rocket::build()
        .manage(shop)
        .mount("/", routes![order, stock, orders, reset])
}
