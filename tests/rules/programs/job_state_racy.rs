use rocket::{launch, post, routes, State};
use std::sync::Mutex;

#[derive(Clone, Copy, PartialEq)]
enum Phase {
    Idle,
    Running,
}

struct Job {
    phase: Mutex<Phase>,
}

#[post("/start")]
fn start(job: &State<Job>) -> &'static str {
    let phase = *job.phase.lock().unwrap();
    match phase {
        Phase::Running => "already running",
        Phase::Idle => {
            *job.phase.lock().unwrap() = Phase::Running;
            "started"
        }
    }
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Job {
            phase: Mutex::new(Phase::Idle),
        })
        .mount("/", routes![start])
}
