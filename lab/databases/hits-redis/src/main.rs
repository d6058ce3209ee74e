//! A counter of hits that forgets some, in Redis.
//!
//! `POST /hit/<page>` gets the number, adds one and sets it. Redis takes one command
//! after the other, and so does the one connection that all requests share here; but
//! GET and SET are two commands:
//!
//! ```text
//! first         second        hits
//! GET:  0                     0
//!               GET:  0       0
//! SET 1                       1
//!               SET 1         1
//! ```
//!
//! Two visits, one hit.

use std::env;

use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, Client, RedisError};
use rocket::response::Debug;
use rocket::{get, launch, post, routes, State};

/// What Redis refuses becomes a 500, and a line in the log.
type Result<T> = std::result::Result<T, Debug<RedisError>>;

#[post("/hit/<page>")]
async fn hit(page: &str, redis: &State<MultiplexedConnection>) -> Result<String> {
    let mut redis = redis.inner().clone();
    let hits: Option<u64> = redis.get(page).await?;
    let hits = hits.unwrap_or(0) + 1;
    let () = redis.set(page, hits).await?;
    Ok(hits.to_string())
}

#[get("/hits/<page>")]
async fn hits(page: &str, redis: &State<MultiplexedConnection>) -> Result<String> {
    let hits: Option<u64> = redis.inner().clone().get(page).await?;
    Ok(hits.unwrap_or(0).to_string())
}

/// Back to none, for whoever tries this more than once.
#[post("/reset/<page>")]
async fn reset(page: &str, redis: &State<MultiplexedConnection>) -> Result<&'static str> {
    let () = redis.inner().clone().del(page).await?;
    Ok("as on the first day")
}

#[launch]
async fn rocket() -> _ {
    let url = env::var("REDIS_URL").expect("REDIS_URL=redis://host:port");
    let client = Client::open(url).expect("REDIS_URL=redis://host:port");
    let redis = client
        .get_multiplexed_async_connection()
        .await
        .expect("a Redis that listens at REDIS_URL");
    rocket::build()
        .manage(redis)
        .mount("/", routes![hit, hits, reset])
}
