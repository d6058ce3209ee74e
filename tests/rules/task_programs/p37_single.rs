// expects: nothing
use rocket::{post,State,tokio::sync::{mpsc,oneshot}};
enum Cmd { Withdraw { amount: i64, resp: oneshot::Sender<bool> } }
struct Handle { tx: mpsc::Sender<Cmd> }
#[post("/w/<amount>")] async fn w(amount: i64, h: &State<Handle>) -> Option<&'static str> {
    let (resp, rx) = oneshot::channel();
    h.tx.send(Cmd::Withdraw { amount, resp }).await.ok()?;
    if rx.await.ok()? { Some("ok") } else { Some("no") }
}
