//! A shop that used to sell more than it had, in SQLite.
//!
//! The twin of `stock-sqlite`. There, the stock is asked for in one statement and
//! taken from in the next. Here the condition is part of the UPDATE, the database
//! holds the row from the look to the change, and says whether there was a change:
//!
//! ```text
//! first                    second                   lamps left
//! UPDATE, if any:  1 row                            0
//!                          UPDATE, if any:  0 rows  0
//! INSERT order, "sold"     "none left"              0
//! ```

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
    let taken = sqlx::query("UPDATE items SET stock = stock - 1 WHERE name = $1 AND stock > 0")
        .bind(item)
        .execute(&mut **shop)
        .await?;
    if taken.rows_affected() == 0 {
        return Ok((Status::Conflict, format!("{item}: none left")));
    }

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
