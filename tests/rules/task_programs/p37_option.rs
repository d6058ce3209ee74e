// expects: actor-check-then-act
use rocket::{post,State,tokio::sync::{mpsc,oneshot}};
enum Cmd { Find(String, oneshot::Sender<Option<u32>>), Insert(String) }
struct Handle { tx: mpsc::Sender<Cmd> }
impl Handle {
  async fn find(&self, n: &str) -> Option<u32> { let (s, r) = oneshot::channel(); self.tx.send(Cmd::Find(n.to_string(), s)).await.ok()?; r.await.ok()? }
  async fn insert(&self, n: &str) { let _ = self.tx.send(Cmd::Insert(n.to_string())).await; }
}
#[post("/r/<n>")] async fn reg(n: &str, h: &State<Handle>) -> &'static str {
    if h.find(n).await.is_none() { h.insert(n).await; "ok" } else { "taken" }
}
