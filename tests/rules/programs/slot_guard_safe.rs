use rocket::serde::json::{json, Json, Value};
use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{atomic::*, Arc, Mutex, RwLock};

#[derive(Default)]
struct App {
    slots: Mutex<Vec<Option<String>>>,
}
struct Slot<'a> {
    app: &'a App,
    at: usize,
}
impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.app.slots.lock().unwrap()[self.at] = None;
    }
}
impl App {
    fn reserve(&self, who: &str) -> Option<Slot<'_>> {
        let mut slots = self.slots.lock().unwrap();
        let at = slots.iter().position(|s| s.is_none())?;
        slots[at] = Some(who.to_string());
        Some(Slot { app: self, at })
    }
}
#[post("/s/<w>")]
async fn act(w: &str, app: &State<App>) -> Result<String, Status> {
    let slot = app.reserve(w).ok_or(Status::ServiceUnavailable)?;
    rocket::tokio::task::yield_now().await;
    Ok(slot.at.to_string())
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
