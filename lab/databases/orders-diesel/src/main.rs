//! Orders for more than there is, in PostgreSQL through diesel.
//!
//! `POST /orders/<item>` asks for the stock, takes one away and writes the order: three
//! statements, each a transaction of its own, between which others have their turn. Two who
//! both saw the last lamp both get it. Diesel is synchronous, so a handler does all of it on
//! a thread for blocking work, with one connection of the pool.

use std::env;

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool, PooledConnection};
use rocket::http::Status;
use rocket::response::Debug;
use rocket::tokio::task::spawn_blocking;
use rocket::{get, launch, post, routes, State};

diesel::table! {
    items (name) {
        name -> Text,
        stock -> BigInt,
    }
}

diesel::table! {
    orders (id) {
        id -> BigInt,
        item -> Text,
    }
}

type Shop = Pool<ConnectionManager<PgConnection>>;
type Lease = PooledConnection<ConnectionManager<PgConnection>>;

/// What the database refuses becomes a 500.
type Result<T> = std::result::Result<T, Debug<diesel::result::Error>>;

const TABLES: &str = "
    DROP TABLE IF EXISTS items, orders;
    CREATE TABLE items (name text PRIMARY KEY, stock bigint NOT NULL);
    CREATE TABLE orders (id bigserial PRIMARY KEY, item text NOT NULL)";

const GOODS: &str = "
    DELETE FROM orders;
    DELETE FROM items;
    INSERT INTO items (name, stock) VALUES ('lamp', 1), ('chair', 10)";

/// Runs `work` with a connection where it may block.
async fn with<T, F>(shop: &State<Shop>, work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce(&mut Lease) -> QueryResult<T> + Send + 'static,
{
    let shop = shop.inner().clone();
    spawn_blocking(move || work(&mut shop.get().expect("a connection")))
        .await
        .expect("no panic")
        .map_err(Debug)
}

#[post("/orders/<item>")]
async fn order(item: String, shop: &State<Shop>) -> Result<(Status, String)> {
    with(shop, move |shop| {
        let stock: Option<i64> = items::table
            .filter(items::name.eq(&item))
            .select(items::stock)
            .first(shop)
            .optional()?;
        if stock.unwrap_or(0) < 1 {
            return Ok((Status::Conflict, format!("{item}: none left")));
        }

        diesel::update(items::table.filter(items::name.eq(&item)))
            .set(items::stock.eq(items::stock - 1))
            .execute(shop)?;

        diesel::insert_into(orders::table)
            .values(orders::item.eq(&item))
            .execute(shop)?;
        Ok((Status::Ok, format!("{item}: ordered")))
    })
    .await
}

#[get("/stock/<item>")]
async fn stock(item: String, shop: &State<Shop>) -> Result<Option<String>> {
    with(shop, move |shop| {
        let stock: Option<i64> = items::table
            .filter(items::name.eq(&item))
            .select(items::stock)
            .first(shop)
            .optional()?;
        Ok(stock.map(|left| left.to_string()))
    })
    .await
}

#[get("/orders/<item>")]
async fn ordered(item: String, shop: &State<Shop>) -> Result<String> {
    with(shop, move |shop| {
        let count: i64 = orders::table
            .filter(orders::item.eq(&item))
            .count()
            .get_result(shop)?;
        Ok(count.to_string())
    })
    .await
}

/// Back to the goods of the first day, for whoever tries this more than once.
#[post("/reset")]
async fn reset(shop: &State<Shop>) -> Result<&'static str> {
    with(shop, |shop| shop.batch_execute(GOODS)).await?;
    Ok("as on the first day")
}

/// Every start begins with the goods of the first day.
fn open(url: &str) -> Shop {
    let shop = Pool::builder()
        .max_size(8)
        .build(ConnectionManager::<PgConnection>::new(url))
        .expect("that database");
    let mut first = shop.get().expect("a connection");
    first.batch_execute(TABLES).expect("its tables");
    first.batch_execute(GOODS).expect("its goods");
    shop
}

#[launch]
fn rocket() -> _ {
    let url = env::var("DATABASE_URL").expect("DATABASE_URL=postgres://user@host/database");
    rocket::build()
        .manage(open(&url))
        .mount("/", routes![order, stock, ordered, reset])
}
