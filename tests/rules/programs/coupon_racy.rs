use rocket::serde::{json::Json, Deserialize};
use rocket::{http::Status, launch, post, routes, tokio, State};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

struct Coupon {
    discount: u32,
    used: bool,
}

#[derive(Clone)]
struct AppState {
    coupons: Arc<Mutex<HashMap<String, Coupon>>>,
}

#[derive(Deserialize)]
#[serde(crate = "rocket::serde")]
struct Redeem {
    code: String,
}

async fn charge(amount: u32) {
    tokio::time::sleep(Duration::from_millis(amount as u64)).await;
}

#[post("/redeem", data = "<body>")]
async fn redeem(body: Json<Redeem>, state: &State<AppState>) -> Result<String, Status> {
    let discount = {
        let coupons = state.coupons.lock().await;
        let coupon = coupons.get(&body.code).ok_or(Status::NotFound)?;
        if coupon.used {
            return Err(Status::Conflict);
        }
        coupon.discount
    };
    charge(discount).await;
    let mut coupons = state.coupons.lock().await;
    if let Some(coupon) = coupons.get_mut(&body.code) {
        coupon.used = true;
    }
    Ok(format!("{discount} off"))
}

#[launch]
fn rocket() -> _ {
    let coupons = Arc::new(Mutex::new(HashMap::new()));
    rocket::build()
        .manage(AppState { coupons })
        .mount("/", routes![redeem])
}
