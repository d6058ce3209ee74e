//! The fairing: which task serves which racer, when it has answered, and when the server is ready.

use rocket::fairing::{Fairing, Info, Kind};
use rocket::{Build, Data, Orbit, Request, Response, Rocket};

use crate::inherit;
use crate::protocol::{encode, racer};
use crate::runtime::{self, active};
use crate::writer;

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

/// The routes that handlers are mounted at: what a mount computes is known only now.
fn mounted(rocket: &Rocket<Orbit>) -> String {
    let named = rocket.routes().filter_map(|route| {
        let name = encode(route.name.as_deref()?);
        Some(format!(
            "{name}:{}:{}",
            route.method,
            encode(&route.uri.to_string())
        ))
    });
    let listed: Vec<String> = named.collect();
    if listed.is_empty() {
        "-".into()
    } else {
        listed.join(",")
    }
}

/// Whether Rocket hands the connection over when the response is sent: to a WebSocket's handler, say.
fn upgrades(request: &Request<'_>, response: &mut Response<'_>) -> bool {
    let wanted = request.headers().get("upgrade");
    wanted
        .flat_map(|list| list.split(','))
        .any(|protocol| response.upgrade(protocol.trim()).is_some())
}

/// A connection that was handed over: its task serves the racer until the request is gone.
struct Upgraded {
    task: tokio::task::Id,
    _branch: inherit::Branch,
}

impl Drop for Upgraded {
    fn drop(&mut self) {
        if let Some(runtime) = runtime::get() {
            runtime.at_desk(|desk| desk.tasks.remove(&self.task));
        }
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
            let routes = mounted(rocket);
            runtime.at_desk(|desk| desk.say(&format!("READY {port} {routes}")));
        }
    }

    async fn on_request(&self, request: &mut Request<'_>, _data: &mut Data<'_>) {
        let found = request.headers().get_one(HEADER).and_then(racer);
        if let (Some(racer), Some(task), Some(runtime)) =
            (found, tokio::task::try_id(), runtime::get())
        {
            runtime.arrive(racer, task).await;
        }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        let found = request.headers().get_one(HEADER).and_then(racer);
        if let (Some(racer), Some(task), Some(runtime)) =
            (found, tokio::task::try_id(), runtime::get())
        {
            if upgrades(request, response) {
                // The task serves what the connection has become, and drops the request behind it.
                let branch = inherit::Branch::of(racer);
                request.local_cache(|| Upgraded {
                    task,
                    _branch: branch,
                });
                writer::leave(racer);
                runtime.at_desk(|desk| desk.control.answer(racer.0, racer.1));
                return;
            }
            // A stream's body runs from now on, while it is sent: it is a part of its racer still.
            let streamed = response.body().is_some() && response.body_mut().size().await.is_none();
            let body = streamed.then(|| inherit::Branch::of(racer));
            writer::leave(racer);
            runtime.at_desk(|desk| {
                if desk.tasks.remove(&task).is_some() {
                    desk.control.answer(racer.0, racer.1);
                }
            });
            if let Some(branch) = body {
                let chunk = response.body().max_chunk_size();
                let body = response.body_mut().take();
                response.set_streamed_body(inherit::Streamed { body, branch });
                response.set_max_chunk_size(chunk);
            }
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
