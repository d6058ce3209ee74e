use rocket::request::{FromRequest, Outcome};
use rocket::{http::Status, launch, post, routes, Request, State};
use std::collections::HashMap;
use tokio::sync::RwLock;

#[derive(Clone)]
struct Session {
    spins: u32,
}

#[derive(Default)]
struct Sessions(RwLock<HashMap<String, Session>>);

struct Player {
    sid: String,
    session: Session,
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Player {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        let sessions = request.rocket().state::<Sessions>().unwrap();
        let sid = request.headers().get_one("x-session").unwrap_or("").to_string();
        match sessions.0.read().await.get(&sid) {
            Some(session) => Outcome::Success(Player { sid, session: session.clone() }),
            None => Outcome::Forward(Status::Unauthorized),
        }
    }
}

#[post("/spin")]
async fn act(player: Player, sessions: &State<Sessions>) -> Result<(), Status> {
    let mut all = sessions.0.write().await;
    let session = all.get_mut(&player.sid).ok_or(Status::Unauthorized)?;
    session.spins = player.session.spins.checked_sub(1).ok_or(Status::PaymentRequired)?;
    Ok(())
}

#[launch]
fn rocket() -> _ {
    rocket::build().manage(Sessions::default()).mount("/", routes![act])
}
