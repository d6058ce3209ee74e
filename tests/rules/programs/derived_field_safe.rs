use rocket::{http::Status, launch, post, routes, State};
use std::collections::HashMap;
use tokio::sync::Mutex;

#[derive(Clone, Default)]
struct Profile {
    email: String,
    bio: String,
}

struct App {
    profiles: Mutex<HashMap<u64, Profile>>,
}

#[post("/profile/<id>/refresh")]
async fn act(id: u64, app: &State<App>) -> Result<(), Status> {
    let email = app.profiles.lock().await.get(&id).map(|p| p.email.clone()).ok_or(Status::NotFound)?;
    let page = reqwest::get(format!("https://pages.example/{email}")).await.map_err(|_| Status::BadGateway)?;
    let bio = page.text().await.map_err(|_| Status::BadGateway)?;
    if let Some(profile) = app.profiles.lock().await.get_mut(&id) {
        profile.bio = bio;
    }
    Ok(())
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App { profiles: Mutex::default() })
        .mount("/", routes![act])
}
