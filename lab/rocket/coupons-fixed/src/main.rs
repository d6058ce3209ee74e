//! A shop's coupons, each good for one payment.
//!
//! The twin of `coupons`. There, the lock is free between the look at the coupon
//! and the mark on it, and a coupon sent twice at once is paid twice. Here looking
//! and marking are one step under one guard, and only who made the mark has the
//! provider pay:
//!
//! ```text
//! first                  second                 WELCOME10
//! unused?  yes, mark it                         used, 10 paid
//!                        unused?  no, "used"    used, 10 paid
//! pay 10 …                                      used, 10 paid
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
    // Claim first, pay afterwards. A guard held over the payment would be atomic
    // too, but then one slow payment would keep every other customer waiting,
    // whatever their coupon. (A provider that can refuse would need the claim
    // given back, under the lock again.)
    let amount = {
        let mut by_code = coupons.by_code.lock().unwrap();
        match by_code.get_mut(code) {
            None => return (Status::NotFound, format!("{code}: no such coupon")),
            Some(coupon) if coupon.used => {
                return (Status::Conflict, format!("{code}: already used"))
            }
            Some(coupon) => {
                coupon.used = true;
                coupon.paid_out += coupon.amount;
                coupon.amount
            }
        }
    };

    pay(amount).await;

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
