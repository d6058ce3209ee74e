use rocket::tokio::sync::OnceCell;
use rocket::{get, launch, routes, State};

struct App {
    token: OnceCell<String>,
}

async fn login() -> String {
    reqwest::get("https://auth.example/token").await.unwrap().text().await.unwrap()
}

#[get("/token")]
async fn act(app: &State<App>) -> String {
    if !app.token.initialized() {
        let token = login().await;
        let _ = app.token.set(token.clone());
        return token;
    }
    app.token.get().unwrap().clone()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App { token: OnceCell::new() })
        .mount("/", routes![act])
}
