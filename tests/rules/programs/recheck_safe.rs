use rocket::{get, launch, routes, State};
use std::collections::HashMap;
use std::sync::{Arc, RwLock};

#[derive(Default)]
struct Pool {
    channels: RwLock<HashMap<String, Arc<Channel>>>,
}

#[derive(Default)]
struct Channel {
    name: String,
}

impl Pool {
    fn channel(&self, name: &str) -> Arc<Channel> {
        if let Some(channel) = self.channels.read().unwrap().get(name) {
            return channel.clone();
        }
        let mut channels = self.channels.write().unwrap();
        channels
            .entry(name.to_string())
            .or_insert_with(|| {
                Arc::new(Channel {
                    name: name.to_string(),
                })
            })
            .clone()
    }
}

#[get("/channel/<name>")]
fn channel(name: &str, pool: &State<Pool>) -> String {
    pool.channel(name).name.clone()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Pool::default())
        .mount("/", routes![channel])
}
