use dashmap::DashMap;
use rocket::http::Status;
use rocket::{launch, post, routes, State};

struct Otp {
    code: u32,
    tries: u8,
}

#[derive(Default)]
struct App {
    otps: DashMap<String, Otp>,
}

#[post("/otp/<user>/<code>")]
fn act(user: &str, code: u32, app: &State<App>) -> Status {
    let tries = match app.otps.get(user) {
        Some(otp) => otp.tries,
        None => return Status::NotFound,
    };
    if tries >= 3 {
        return Status::Locked;
    }
    let right = app.otps.get(user).map_or(false, |otp| otp.code == code);
    if !right {
        app.otps.alter(user, |_, mut otp| {
            otp.tries = tries + 1;
            otp
        });
        return Status::Unauthorized;
    }
    app.otps.remove(user);
    Status::Ok
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
