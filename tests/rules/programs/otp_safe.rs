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
    match app.otps.get_mut(user) {
        None => return Status::NotFound,
        Some(mut otp) => {
            if otp.tries >= 3 {
                return Status::Locked;
            }
            otp.tries += 1;
        }
    }
    match app.otps.remove_if(user, |_, otp| otp.code == code) {
        Some(_) => Status::Ok,
        None => Status::Unauthorized,
    }
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
