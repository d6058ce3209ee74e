// expects: actor-check-then-act
use rocket::{post,State,tokio::sync::{mpsc,oneshot}};
enum Cmd { GetBalance { id: u32, resp: oneshot::Sender<i64> }, Withdraw { id: u32, amount: i64 } }
#[derive(Clone)] struct Handle { tx: mpsc::UnboundedSender<Cmd> }
#[post("/w/<id>/<amount>")] async fn w(id: u32, amount: i64, h: &State<Handle>) -> Result<String, String> {
    let (resp, rx) = oneshot::channel::<i64>();
    h.tx.send(Cmd::GetBalance { id, resp }).map_err(|e| e.to_string())?;
    let balance = rx.await.map_err(|e| e.to_string())?;
    if balance < amount { return Err("low".into()); }
    h.tx.send(Cmd::Withdraw { id, amount }).map_err(|e| e.to_string())?;
    Ok("ok".into())
}
