use rocket::request::{FromRequest, Outcome, Request};
use rocket::{get, launch, routes};
use std::cell::RefCell;

thread_local! {
    static CURRENT_USER: RefCell<Option<String>> = RefCell::new(None);
}

struct Login;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Login {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        let name = request.headers().get_one("x-user").map(String::from);
        CURRENT_USER.with(|user| *user.borrow_mut() = name);
        Outcome::Success(Login)
    }
}

#[get("/me")]
async fn me(_login: Login) -> String {
    rocket::tokio::task::yield_now().await;
    CURRENT_USER.with(|user| user.borrow().clone().unwrap_or_default())
}

#[launch]
fn rocket() -> _ {
    rocket::build().mount("/", routes![me])
}
