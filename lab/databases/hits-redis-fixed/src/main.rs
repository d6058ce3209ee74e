//! A counter of hits that used to forget some, in Redis.
//!
//! The twin of `hits-redis`. There, the number is got in one command and set in the
//! next. Here it is left to Redis to add one, in a single command that says what came
//! of it:
//!
//! ```text
//! first         second        hits
//! INCR:  1                    1
//!               INCR:  2      2
//! ```

use std::env;

use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, Client, RedisError};
use rocket::response::Debug;
use rocket::{get, launch, post, routes, State};

/// What Redis refuses becomes a 500, and a line in the log.
type Result<T> = std::result::Result<T, Debug<RedisError>>;

#[post("/hit/<page>")]
async fn hit(page: &str, redis: &State<MultiplexedConnection>) -> Result<String> {
    let hits: u64 = redis.inner().clone().incr(page, 1).await?;
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
