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
        pub fn next_id(&self) -> usize {
            self.items.lock().expect("poisoned").len() + 1
        }

        pub fn push(&self, item: Item) {
            self.items.lock().expect("poisoned").push(item);
        }
    }
}

mod api {
    use super::store::{Item, Store};
    use rocket::{post, State};

    #[post("/items/<title>")]
    pub fn add(title: String, store: &State<Store>) -> String {
        let id = store.next_id();
        store.push(Item { id, title });
        format!("/items/{id}")
    }
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(store::Store::default())
        .mount("/", routes![api::add])
}
