use rocket::serde::json::{json, Json, Value};
use rocket::{delete, get, http::Status, launch, post, put, routes, State};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{atomic::*, Arc, Mutex, RwLock};

#[derive(Default, Clone)]
struct Game {
    board: [u8; 9],
    turn: u8,
}
#[derive(Default)]
struct App {
    games: Mutex<HashMap<u32, Game>>,
}
#[post("/g/<id>/<cell>")]
fn act(id: u32, cell: usize, app: &State<App>) -> Result<String, Status> {
    let game = app.games.lock().unwrap().get(&id).cloned();
    let mut game = match game {
        Some(g) => g,
        None => return Err(Status::NotFound),
    };
    if game.board[cell] != 0 {
        return Err(Status::Conflict);
    }
    game.board[cell] = game.turn + 1;
    game.turn = 1 - game.turn;
    app.games.lock().unwrap().insert(id, game);
    Ok("moved".into())
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(App::default())
        .mount("/", routes![act])
}
