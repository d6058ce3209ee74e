use rocket::{get, launch, post, put, routes, State};
use std::sync::{Mutex, RwLock};

struct Site {
    title: RwLock<String>,
    open: RwLock<bool>,
    guestbook: Mutex<Vec<String>>,
}

#[put("/title", data = "<title>")]
fn set_title(title: String, site: &State<Site>) {
    *site.title.write().unwrap() = title;
}

#[put("/open/<open>")]
fn set_open(open: bool, site: &State<Site>) {
    *site.open.write().unwrap() = open;
}

#[post("/sign", data = "<entry>")]
fn sign(entry: String, site: &State<Site>) -> &'static str {
    if !*site.open.read().unwrap() {
        return "closed";
    }
    site.guestbook.lock().unwrap().push(entry);
    "thank you"
}

#[get("/")]
fn index(site: &State<Site>) -> String {
    let title = site.title.read().unwrap().clone();
    let entries = site.guestbook.lock().unwrap().join("\n");
    format!("{title}\n{entries}")
}

#[launch]
fn rocket() -> _ {
    let site = Site {
        title: RwLock::default(),
        open: RwLock::new(true),
        guestbook: Mutex::default(),
    };
    rocket::build()
        .manage(site)
        .mount("/", routes![set_title, set_open, sign, index])
}
