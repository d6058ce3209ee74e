// expects: nothing
use rocket::{post,tokio::{fs::OpenOptions,io::AsyncWriteExt}};
#[post("/log/<l>")] async fn log(l: String) -> std::io::Result<()> { let mut f = OpenOptions::new().append(true).create(true).open("log.txt").await?; f.write_all(l.as_bytes()).await?; Ok(()) }
