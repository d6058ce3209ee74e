// expects: lock-order-inversion
use rocket::{post,State,tokio::sync::Mutex};
struct A { x: Mutex<u8>, y: Mutex<u8>, z: Mutex<u8> }
impl A { async fn addy(&self){ *self.y.lock().await += 1 } async fn addz(&self){ *self.z.lock().await += 1 } async fn addx(&self){ *self.x.lock().await += 1 } }
#[post("/1")] async fn h1(a:&State<A>){ let _g=a.x.lock().await; a.addy().await; }
#[post("/2")] async fn h2(a:&State<A>){ let _g=a.y.lock().await; a.addz().await; }
#[post("/3")] async fn h3(a:&State<A>){ let _g=a.z.lock().await; a.addx().await; }
