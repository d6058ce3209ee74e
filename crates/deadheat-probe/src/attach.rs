//! The fairing: which task serves which racer, when it has answered, and when the server is ready.

use rocket::fairing::{Fairing, Info, Kind};
use rocket::{Build, Data, Orbit, Request, Response, Rocket};

use crate::protocol::racer;
use crate::runtime::{self, active};

const HEADER: &str = "x-deadheat-actor";

struct Steer;

/// Lets Deadheat steer the requests of this application, if it listens.
pub fn attach(rocket: Rocket<Build>) -> Rocket<Build> {
    if active() {
        rocket.attach(Steer)
    } else {
        rocket
    }
}

#[rocket::async_trait]
impl Fairing for Steer {
    fn info(&self) -> Info {
        Info {
            name: "Deadheat probes",
            kind: Kind::Liftoff | Kind::Request | Kind::Response | Kind::Shutdown,
        }
    }

    async fn on_liftoff(&self, rocket: &Rocket<Orbit>) {
        if let Some(runtime) = runtime::get() {
            let port = rocket.config().port;
            runtime.at_desk(|desk| desk.say(&format!("READY {port}")));
        }
    }

    async fn on_request(&self, request: &mut Request<'_>, _data: &mut Data<'_>) {
        let found = request.headers().get_one(HEADER).and_then(racer);
        if let (Some(racer), Some(task), Some(runtime)) =
            (found, tokio::task::try_id(), runtime::get())
        {
            runtime.at_desk(|desk| {
                desk.tasks.insert(task, racer);
                desk.control.arrive(racer.0, racer.1);
            });
        }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, _response: &mut Response<'r>) {
        let found = request.headers().get_one(HEADER).and_then(racer);
        if let (Some(racer), Some(task), Some(runtime)) =
            (found, tokio::task::try_id(), runtime::get())
        {
            runtime.at_desk(|desk| {
                if desk.tasks.remove(&task).is_some() {
                    desk.control.answer(racer.0, racer.1);
                }
            });
        }
    }

    async fn on_shutdown(&self, _rocket: &Rocket<Orbit>) {
        if let Some(runtime) = runtime::get() {
            runtime.at_desk(|desk| {
                desk.memory.close();
                desk.control.close();
            });
        }
    }
}
