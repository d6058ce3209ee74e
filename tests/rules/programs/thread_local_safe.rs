use rocket::request::{FromRequest, Outcome, Request};
use rocket::{get, launch, routes};
use std::cell::RefCell;

thread_local! {
    static SCRATCH: RefCell<String> = RefCell::new(String::new());
}

struct Login(Option<String>);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Login {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        Outcome::Success(Login(request.headers().get_one("x-user").map(String::from)))
    }
}

fn shout(text: &str) -> String {
    SCRATCH.with(|scratch| {
        let mut scratch = scratch.borrow_mut();
        scratch.clear();
        scratch.push_str(text);
        scratch.make_ascii_uppercase();
        scratch.clone()
    })
}

#[get("/me")]
async fn me(login: Login) -> String {
    rocket::tokio::task::yield_now().await;
    shout(&login.0.unwrap_or_default())
}

#[launch]
fn rocket() -> _ {
    rocket::build().mount("/", routes![me])
}
