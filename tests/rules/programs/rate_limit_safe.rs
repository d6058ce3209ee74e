use dashmap::DashMap;
use rocket::http::Status;
use rocket::{get, launch, routes, State};
use std::net::IpAddr;

const LIMIT: u32 = 10;

struct RateLimiter {
    requests: DashMap<IpAddr, u32>,
}

impl RateLimiter {
    fn allow(&self, ip: IpAddr) -> bool {
        let mut used = self.requests.entry(ip).or_insert(0);
        if *used >= LIMIT {
            return false;
        }
        *used += 1;
        true
    }
}

#[get("/quote")]
fn quote(ip: IpAddr, limiter: &State<RateLimiter>) -> Result<&'static str, Status> {
    if !limiter.allow(ip) {
        return Err(Status::TooManyRequests);
    }
    Ok("to be or not to be")
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(RateLimiter {
            requests: DashMap::new(),
        })
        .mount("/", routes![quote])
}
