use rocket::{get, launch, post, routes, State};
use std::collections::VecDeque;
use std::sync::Mutex;

#[derive(Default)]
struct Jobs {
    queue: Mutex<VecDeque<String>>,
}

#[post("/jobs", data = "<job>")]
fn add(job: String, jobs: &State<Jobs>) {
    jobs.queue.lock().unwrap().push_back(job);
}

#[get("/jobs/next")]
fn next(jobs: &State<Jobs>) -> Option<String> {
    jobs.queue.lock().unwrap().pop_front()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Jobs::default())
        .mount("/", routes![add, next])
}
