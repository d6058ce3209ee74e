use moka::sync::Cache;
use rocket::http::Status;
use rocket::{launch, post, routes, State};
use std::net::IpAddr;

struct App {
    hits: Cache<IpAddr, u32>,
}

#[post("/send")]
fn act(ip: IpAddr, app: &State<App>) -> Status {
    let hits = app.hits.get(&ip).unwrap_or(0);
    if hits >= 5 {
        return Status::TooManyRequests;
    }
    app.hits.insert(ip, hits + 1);
    Status::Accepted
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App {
            hits: Cache::new(1000),
        })
        .mount("/", routes![act])
}
