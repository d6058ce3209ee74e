// expects: guard-then-handler
use rocket::{post,State,request::{self,FromRequest,Request,Outcome},http::Status}; use std::sync::Mutex; use std::collections::HashMap;
#[derive(Default)] struct Limits { used: Mutex<HashMap<String,u32>> }
struct Limited { ip: String }
#[rocket::async_trait] impl<'r> FromRequest<'r> for Limited { type Error=();
 async fn from_request(req: &'r Request<'_>) -> Outcome<Self, Self::Error> {
   let limits = match req.guard::<&State<Limits>>().await { Outcome::Success(l) => l, _ => return Outcome::Error((Status::InternalServerError, ())) };
   let ip = req.client_ip().map(|i| i.to_string()).unwrap_or_default();
   let n = limits.used.lock().unwrap().get(&ip).copied().unwrap_or(0);
   if n >= 5 { Outcome::Error((Status::TooManyRequests, ())) } else { Outcome::Success(Limited { ip }) }
 } }
#[post("/x")] fn x(l: Limited, limits: &State<Limits>) -> &'static str { *limits.used.lock().unwrap().entry(l.ip).or_insert(0) += 1; "ok" }
