// expects: nothing
use rocket::{post,fs::TempFile,form::Form};
#[post("/up", data="<f>")] async fn up(mut f: Form<TempFile<'_>>) -> std::io::Result<String> { let name = uuid::Uuid::new_v4().to_string(); f.persist_to(format!("up/{name}")).await?; Ok(name) }
