use rocket::{get, launch, routes};

static mut HITS: u64 = 0;

#[get("/")]
fn index() -> String {
    unsafe {
        HITS += 1;
        let hits = HITS;
        format!("hit {hits}")
    }
}

#[get("/hits")]
fn hits() -> String {
    let now = unsafe { HITS };
    now.to_string()
}

#[launch]
fn rocket() -> _ {
    rocket::build().mount("/", routes![index, hits])
}
