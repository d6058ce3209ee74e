//! `active-users` of the lab under a step-by-step controller: each probe tells the controller that a request
//! has come to it (`AT actor`), and waits for `GO actor`; a request that is through tells `END actor`.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Condvar, Mutex, OnceLock};

use rocket::request::{FromRequest, Outcome};
use rocket::{get, launch, routes, Request, State};

struct Controller {
    socket: Mutex<UnixStream>,
    allowed: Mutex<[bool; 16]>,
    changed: Condvar,
}

static CONTROLLER: OnceLock<Controller> = OnceLock::new();

impl Controller {
    fn get() -> &'static Controller {
        CONTROLLER.get_or_init(|| {
            let path = std::env::var_os("STEPWISE_SOCKET").expect("STEPWISE_SOCKET");
            let socket = UnixStream::connect(path).expect("a controller");
            let reading = socket.try_clone().expect("a second handle");
            std::thread::spawn(move || {
                for line in BufReader::new(reading).lines().map_while(Result::ok) {
                    let controller = Controller::get();
                    let actor: usize = line["GO ".len()..].parse().expect("an actor");
                    controller.allowed.lock().unwrap()[actor] = true;
                    controller.changed.notify_all();
                }
                std::process::exit(0);
            });
            Controller {
                socket: Mutex::new(socket),
                allowed: Mutex::new([false; 16]),
                changed: Condvar::new(),
            }
        })
    }

    fn say(&self, line: String) {
        self.socket.lock().unwrap().write_all(line.as_bytes()).expect("a controller");
    }
}

/// The racer that this request is, if it is one; through when it is dropped.
struct Actor(Option<usize>);

impl Actor {
    fn hit(&self) {
        let Some(actor) = self.0 else { return };
        let controller = Controller::get();
        controller.say(format!("AT {actor}\n"));
        rocket::tokio::task::block_in_place(|| {
            let mut allowed = controller.allowed.lock().unwrap();
            while !std::mem::take(&mut allowed[actor]) {
                allowed = controller.changed.wait(allowed).unwrap();
            }
        });
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        if let Some(actor) = self.0 {
            Controller::get().say(format!("END {actor}\n"));
        }
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Actor {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        let named = request.headers().get_one("x-deadheat-actor");
        let actor = named.and_then(|name| name.split_once('.')?.1.parse().ok());
        Outcome::Success(Actor(actor))
    }
}

#[derive(Default)]
struct ActiveUsers {
    count: Mutex<u32>,
}

#[get("/increment")]
async fn increment(users: &State<ActiveUsers>, actor: Actor) -> String {
    actor.hit();
    let mut count = users.count.lock().unwrap();
    *count += 1;
    drop(count);

    actor.hit();
    format!("One more: {} active now", *users.count.lock().unwrap())
}

#[get("/reset")]
async fn reset(users: &State<ActiveUsers>) {
    *users.count.lock().unwrap() = 0;
}

#[get("/count")]
async fn count(users: &State<ActiveUsers>) -> String {
    users.count.lock().unwrap().to_string()
}

#[launch]
fn rocket() -> _ {
    Controller::get();
    rocket::build()
        .manage(ActiveUsers::default())
        .mount("/", routes![increment, reset, count])
}
