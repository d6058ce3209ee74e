use rocket::{get, launch, post, routes, State};
use tokio::sync::watch;

#[derive(Clone, Default)]
struct Config {
    limit: u32,
    motd: String,
}

struct Bus {
    tx: watch::Sender<Config>,
    rx: watch::Receiver<Config>,
}

#[post("/limit/<n>")]
fn act(n: u32, bus: &State<Bus>) {
    bus.tx.send_modify(|config| config.limit = n);
}

#[get("/motd")]
fn motd(bus: &State<Bus>) -> String {
    bus.rx.borrow().motd.clone()
}

#[launch]
fn rocket() -> _ {
    let (tx, rx) = watch::channel(Config::default());
    rocket::build().manage(Bus { tx, rx }).mount("/", routes![act, motd])
}
