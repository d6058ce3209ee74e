"""A Rocket application of a wanted size, made up: states, helpers through which they are used, handlers.

Owns its text. It must not know what is measured on it. A module is about 190 lines of what real
applications are made of: types that derive, conversions and matches that touch nothing shared, helpers two
levels deep, handlers that look, wait and change. Modules call into the module before them.
"""

from pathlib import Path

_MANIFEST = """[package]
name = "large"
version = "0.1.0"
edition = "2021"

[dependencies]
rocket = { version = "0.5.1", features = ["json"] }
tokio = { version = "1", features = ["time"] }
"""

_HEAD = """use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, RwLock};

use rocket::serde::json::Json;
use rocket::serde::{Deserialize, Serialize};
use rocket::{delete, get, http::Status, post, put, State};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(crate = "rocket::serde")]
pub struct Record@N@ {
    pub id: u64,
    pub owner: String,
    pub amount: i64,
    pub tags: Vec<String>,
    pub closed: bool,
}

#[derive(Debug)]
pub enum Problem@N@ {
    Missing(u64),
    Closed(u64),
    TooMuch { wanted: i64, there: i64 },
}

impl Problem@N@ {
    pub fn status(&self) -> Status {
        match self {
            Problem@N@::Missing(_) => Status::NotFound,
            Problem@N@::Closed(_) => Status::Conflict,
            Problem@N@::TooMuch { .. } => Status::UnprocessableEntity,
        }
    }

    pub fn text(&self) -> String {
        match self {
            Problem@N@::Missing(id) => format!("no record {id}"),
            Problem@N@::Closed(id) => format!("record {id} is closed"),
            Problem@N@::TooMuch { wanted, there } => format!("{wanted} of {there}"),
        }
    }
}

#[derive(Default)]
pub struct Store@N@ {
    records: Mutex<HashMap<u64, Record@N@>>,
    names: RwLock<HashMap<String, u64>>,
    next: AtomicU64,
}

impl Store@N@ {
    fn find(&self, id: u64) -> Result<Record@N@, Problem@N@> {
        let records = self.records.lock().unwrap();
        records.get(&id).cloned().ok_or(Problem@N@::Missing(id))
    }

    fn put(&self, record: Record@N@) {
        let mut records = self.records.lock().unwrap();
        records.insert(record.id, record);
    }

    fn named(&self, name: &str) -> Option<u64> {
        self.names.read().unwrap().get(name).copied()
    }

    fn fresh(&self) -> u64 {
        self.next.fetch_add(1, Ordering::SeqCst)
    }

    fn open(&self, id: u64) -> Result<Record@N@, Problem@N@> {
        let record = self.find(id)?;
        if record.closed {
            return Err(Problem@N@::Closed(id));
        }
        Ok(record)
    }
}
"""

_PLAIN = """
pub fn normalise_@N@_@K@(text: &str, width: usize) -> String {
    let mut out = String::with_capacity(width);
    for (index, part) in text.split_whitespace().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        match part.len() {
            0 => continue,
            1..=3 => out.push_str(&part.to_uppercase()),
            _ if part.starts_with('#') => out.push_str(part.trim_start_matches('#')),
            _ => {
                let head: String = part.chars().take(width).collect();
                out.push_str(&head);
            }
        }
    }
    out
}
"""

_HANDLERS = """
#[post("/@N@/records", data = "<record>")]
pub async fn create(record: Json<Record@N@>, store: &State<Store@N@>) -> Result<Json<Record@N@>, Status> {
    let name = normalise_@N@_0(&record.owner, 24);
    if store.named(&name).is_some() {
        return Err(Status::Conflict);
    }
    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    let id = store.fresh();
    let mut made = record.into_inner();
    made.id = id;
    store.put(made.clone());
    store.names.write().unwrap().insert(name, id);
    Ok(Json(made))
}

#[put("/@N@/records/<id>/take/<amount>")]
pub async fn take(id: u64, amount: i64, store: &State<Store@N@>) -> Result<String, Status> {
    let mut record = store.open(id).map_err(|problem| problem.status())?;
    if record.amount < amount {
        let problem = Problem@N@::TooMuch { wanted: amount, there: record.amount };
        return Err(problem.status());
    }
    record.amount -= amount;
    let left = record.amount;
    store.put(record);
    Ok(format!("{left} left"))
}

#[get("/@N@/records/<id>")]
pub fn show(id: u64, store: &State<Store@N@>) -> Result<Json<Record@N@>, Status> {
    store.find(id).map(Json).map_err(|problem| problem.status())
}

#[delete("/@N@/records/<id>")]
pub fn close(id: u64, store: &State<Store@N@>) -> Status {
    let mut records = store.records.lock().unwrap();
    match records.get_mut(&id) {
        Some(record) if !record.closed => {
            record.closed = true;
            Status::Ok
        }
        Some(_) => Status::Conflict,
        None => Status::NotFound,
    }
}
"""


def write(folder: Path, lines: int) -> int:
    """Write an application of about `lines` lines into `folder`; how many it has."""
    source = folder / "src"
    source.mkdir(parents=True)
    (folder / "Cargo.toml").write_text(_MANIFEST, "utf-8")
    modules: list[str] = []
    written = 0
    while written < lines:
        number = len(modules)
        plain = "".join(_PLAIN.replace("@K@", str(k)) for k in range(3))
        text = (_HEAD + plain + _HANDLERS).replace("@N@", str(number))
        (source / f"part{number}.rs").write_text(text, "utf-8")
        modules.append(f"part{number}")
        written += text.count("\n")
    mounts = "".join(
        f"        .manage({name}::Store{number}::default())\n"
        f'        .mount("/", rocket::routes![{name}::create, {name}::take, {name}::show, {name}::close])\n'
        for number, name in enumerate(modules)
    )
    main = "".join(f"mod {name};\n" for name in modules)
    main += "\n#[rocket::launch]\nfn rocket() -> _ {\n    rocket::build()\n" + mounts + "}\n"
    (source / "main.rs").write_text(main, "utf-8")
    return written + main.count("\n")
