use rocket::{get, launch, routes, State};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::sync::RwLock;

struct Cached {
    body: String,
    at: Instant,
}

#[derive(Default)]
struct Weather {
    by_city: RwLock<HashMap<String, Cached>>,
}

async fn fetch(city: &str) -> String {
    rocket::tokio::time::sleep(Duration::from_millis(20)).await;
    format!("sunny in {city}")
}

#[get("/weather/<city>")]
async fn weather(city: &str, weather: &State<Weather>) -> String {
    {
        let by_city = weather.by_city.read().await;
        if let Some(cached) = by_city.get(city) {
            if cached.at.elapsed() < Duration::from_secs(60) {
                return cached.body.clone();
            }
        }
    }
    let body = fetch(city).await;
    let cached = Cached {
        body: body.clone(),
        at: Instant::now(),
    };
    weather
        .by_city
        .write()
        .await
        .insert(city.to_string(), cached);
    body
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Weather::default())
        .mount("/", routes![weather])
}
