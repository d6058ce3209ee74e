use rocket::{launch, routes};

mod store {
    use std::sync::Mutex;

    #[derive(Clone)]
    pub struct Item {
        pub id: usize,
        pub title: String,
    }

    #[derive(Default)]
    pub struct Store {
        items: Mutex<Vec<Item>>,
    }

    impl Store {
        pub fn add(&self, title: String) -> usize {
            let mut items = self.items.lock().expect("poisoned");
            let id = items.len() + 1;
            items.push(Item { id, title });
            id
        }
    }
}

mod api {
    use super::store::Store;
    use rocket::{post, State};

    #[post("/items/<title>")]
    pub fn add(title: String, store: &State<Store>) -> String {
        let id = store.add(title);
        format!("/items/{id}")
    }
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(store::Store::default())
        .mount("/", routes![api::add])
}
