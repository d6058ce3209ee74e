//! Shared state in every shape that a probe must not break: it compiles under lints that forgive nothing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex, RwLock};

use rocket::tokio::task::{spawn, spawn_blocking};
use rocket::{State, get, launch, routes};

static HITS: AtomicU32 = AtomicU32::new(0);
static NAMES: LazyLock<Mutex<HashMap<u32, String>>> = LazyLock::new(|| Mutex::new(HashMap::new()));

/// Neither `Debug` nor `Clone`.
struct Opaque(u32);

struct Shelf<T> {
    item: Mutex<T>,
}

impl<T: Copy + Send + 'static> Shelf<T> {
    fn item(&self) -> T {
        *self.item.lock().unwrap()
    }
}

struct All {
    plain: Mutex<u32>,
    read_mostly: RwLock<Vec<u32>>,
    asynchronous: rocket::tokio::sync::Mutex<u32>,
    asynchronous_rw: rocket::tokio::sync::RwLock<u32>,
    parked: parking_lot::Mutex<u32>,
    parked_rw: parking_lot::RwLock<u32>,
    opaque: Mutex<Opaque>,
    shared: Arc<Mutex<u32>>,
    shelf: Shelf<u8>,
    flag: AtomicBool,
    number: AtomicU32,
    other: AtomicU32,
}

#[get("/locks")]
async fn locks(all: &State<All>) -> String {
    let before = *all
        .plain
        .lock()
        .unwrap();
    *all.plain.lock().unwrap() += 1;
    all.read_mostly.write().unwrap().push(before);
    let length = match all.read_mostly.read().unwrap().first() {
        Some(first) => *first,
        None => return "empty".to_string(),
    };
    if let Ok(parked) = all.plain.try_lock() {
        assert_eq!(*parked, before + 1);
    }
    *all.parked.lock() += 1;
    *all.parked_rw.write() += *all.parked.lock();
    all.opaque.lock().unwrap().0 += 1;
    *all.shared.lock().unwrap() += u32::from(all.shelf.item());
    NAMES.lock().unwrap().entry(before).or_default().push('x');
    let opaque = all.opaque.lock().unwrap().0;
    format!("{length} {} {opaque}", *all.shared.lock().unwrap())
}

#[get("/awaits")]
async fn awaits(all: &State<All>) -> String {
    let mut one = all.asynchronous.lock().await;
    *one += 1;
    let mut two = all.asynchronous_rw.write().await;
    rocket::tokio::task::yield_now().await;
    *two += *one;
    drop(two);
    format!("{one} {}", *all.asynchronous_rw.read().await)
}

#[get("/nested")]
fn nested(all: &State<All>) -> String {
    all.number.store(all.other.load(Ordering::SeqCst) + 1, Ordering::SeqCst);
    all.other.store(
        all.number.load(Ordering::SeqCst),
        Ordering::SeqCst,
    );
    let hits = HITS.fetch_add(1, Ordering::SeqCst);
    while all.flag.load(Ordering::SeqCst) {}
    format!("{} {hits}", all.other.load(Ordering::Relaxed))
}

#[get("/children")]
async fn children(all: &State<All>) -> String {
    let shared = Arc::clone(&all.shared);
    let future = spawn(async move { *shared.lock().unwrap() += 1 });
    future.await.unwrap();
    let shared = Arc::clone(&all.shared);
    spawn_blocking(move || *shared.lock().unwrap() += 1).await.unwrap();
    let total = *all.shared.lock().unwrap();
    total.to_string()
}

#[get("/panics")]
fn panics(all: &State<All>) -> String {
    let plain = all.plain.lock().unwrap();
    panic!("at {plain}");
}

#[get("/sleeps")]
async fn sleeps(all: &State<All>) -> String {
    *all.plain.lock().unwrap() += 1;
    rocket::tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    *all.plain.lock().unwrap() += 1;
    String::new()
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(All {
            plain: Mutex::new(0),
            read_mostly: RwLock::new(vec![]),
            asynchronous: rocket::tokio::sync::Mutex::new(0),
            asynchronous_rw: rocket::tokio::sync::RwLock::new(0),
            parked: parking_lot::Mutex::new(0),
            parked_rw: parking_lot::RwLock::new(0),
            opaque: Mutex::new(Opaque(0)),
            shared: Arc::new(Mutex::new(0)),
            shelf: Shelf { item: Mutex::new(1) },
            flag: AtomicBool::new(false),
            number: AtomicU32::new(0),
            other: AtomicU32::new(0),
        })
        .mount("/", routes![locks, awaits, nested, children, panics, sleeps])
}
