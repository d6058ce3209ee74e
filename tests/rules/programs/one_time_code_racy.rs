use moka::sync::Cache;
use rocket::{http::Status, launch, post, routes, State};

struct App {
    codes: Cache<String, String>,
}

#[post("/verify?<user>&<code>")]
fn act(user: &str, code: &str, app: &State<App>) -> Status {
    match app.codes.get(user) {
        Some(expected) if expected == code => {
            app.codes.invalidate(user);
            Status::Ok
        }
        _ => Status::Unauthorized,
    }
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App { codes: Cache::new(100) })
        .mount("/", routes![act])
}
