use rocket::{launch, post, routes};
use std::ptr::addr_of_mut;

static mut LAST_ID: u32 = 0;

fn next_id() -> u32 {
    unsafe {
        let last = addr_of_mut!(LAST_ID);
        *last += 1;
        *last
    }
}

#[post("/id")]
fn act() -> String {
    next_id().to_string()
}

#[launch]
fn rocket() -> _ {
    rocket::build().mount("/", routes![act])
}
