use rocket::{http::Status, launch, post, routes, State};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::RwLock;

#[derive(Default)]
struct Product {
    stock: u32,
    price: u64,
}

struct Shop {
    products: Arc<RwLock<HashMap<u32, Product>>>,
}

struct Gateway;

impl Gateway {
    async fn pay(&self, cents: u64) -> Result<(), String> {
        rocket::tokio::time::sleep(std::time::Duration::from_millis(cents % 7)).await;
        Ok(())
    }
}

#[post("/buy/<id>?<quantity>")]
async fn buy(
    id: u32,
    quantity: u32,
    shop: &State<Shop>,
    gateway: &State<Gateway>,
) -> Result<Status, Status> {
    let total = {
        let mut products = shop.products.write().await;
        let product = products.get_mut(&id).ok_or(Status::NotFound)?;
        if product.stock < quantity {
            return Err(Status::Conflict);
        }
        product.stock -= quantity;
        product.price * quantity as u64
    };
    if gateway.pay(total).await.is_err() {
        if let Some(product) = shop.products.write().await.get_mut(&id) {
            product.stock += quantity;
        }
        return Err(Status::PaymentRequired);
    }
    Ok(Status::Ok)
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Shop {
            products: Arc::default(),
        })
        .manage(Gateway)
        .mount("/", routes![buy])
}
