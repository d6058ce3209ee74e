//! A shop's coupons, each good for one payment.
//!
//! `POST /redeem/<code>` looks whether the coupon is unused, has the payment
//! provider pay, and marks the coupon as used. Every look at the map is under its
//! lock, but the lock is free while the provider works, and whatever was seen
//! before may no longer be so after. One coupon, sent twice at once:
//!
//! ```text
//! first                  second                 WELCOME10
//! unused?  yes                                  unused
//!                        unused?  yes           unused
//! pay 10 …               pay 10 …               unused
//! mark as used, "paid"                          used, 10 paid
//!                        mark as used, "paid"   used, 20 paid
//! ```

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use rocket::http::Status;
use rocket::tokio::time::sleep;
use rocket::{get, launch, post, routes, State};

#[derive(Debug, Clone)]
struct Coupon {
    amount: u32,
    used: bool,
    /// What was paid against this coupon: nothing, or its amount.
    paid_out: u32,
}

impl Coupon {
    fn worth(amount: u32) -> Self {
        Coupon {
            amount,
            used: false,
            paid_out: 0,
        }
    }
}

struct Coupons {
    by_code: Mutex<HashMap<String, Coupon>>,
}

impl Coupons {
    fn on_offer() -> Self {
        let by_code = HashMap::from([
            ("WELCOME10".to_string(), Coupon::worth(10)),
            ("SUMMER25".to_string(), Coupon::worth(25)),
        ]);
        Coupons {
            by_code: Mutex::new(by_code),
        }
    }
}

/// Stands for the call to a payment provider.
async fn pay(_amount: u32) {
    sleep(Duration::from_millis(1)).await;
}

#[post("/redeem/<code>")]
async fn redeem(code: &str, coupons: &State<Coupons>) -> (Status, String) {
    let coupon = coupons.by_code.lock().unwrap().get(code).cloned();
    let amount = match coupon {
        None => return (Status::NotFound, format!("{code}: no such coupon")),
        Some(coupon) if coupon.used => return (Status::Conflict, format!("{code}: already used")),
        Some(coupon) => coupon.amount,
    };

    pay(amount).await;

    if let Some(coupon) = coupons.by_code.lock().unwrap().get_mut(code) {
        coupon.used = true;
        coupon.paid_out += amount;
    }
    (Status::Ok, format!("{code}: paid {amount}"))
}

#[get("/paid-out")]
fn paid_out(coupons: &State<Coupons>) -> String {
    let by_code = coupons.by_code.lock().unwrap();
    let total: u32 = by_code.values().map(|coupon| coupon.paid_out).sum();
    total.to_string()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Coupons::on_offer())
        .mount("/", routes![redeem, paid_out])
}
