use rocket::serde::{json::Json, Deserialize, Serialize};
use rocket::{get, launch, post, routes, State};
use std::sync::Mutex;

#[derive(Default)]
struct Bank {
    checking: Mutex<i64>,
    savings: Mutex<i64>,
}

#[derive(Deserialize)]
#[serde(crate = "rocket::serde")]
struct Amount {
    amount: i64,
}

#[derive(Serialize)]
#[serde(crate = "rocket::serde")]
struct Total {
    total: i64,
}

#[post("/save", data = "<body>")]
fn save(body: Json<Amount>, bank: &State<Bank>) {
    {
        let mut checking = bank.checking.lock().unwrap();
        *checking -= body.amount;
    }
    let mut savings = bank.savings.lock().unwrap();
    *savings += body.amount;
}

#[get("/total")]
fn total(bank: &State<Bank>) -> Json<Total> {
    let checking = bank.checking.lock().unwrap();
    let savings = bank.savings.lock().unwrap();
    Json(Total {
        total: *checking + *savings,
    })
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Bank::default())
        .mount("/", routes![save, total])
}
