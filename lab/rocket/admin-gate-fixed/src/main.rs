//! An office that pays out money to whom an administrator says.
//!
//! The twin of `admin-gate`. There, the guard's look at the administrators is the
//! only one, and a client that keeps back a byte of the body can make it as old as
//! it likes. Here the payout looks again, under the lock under which it pays. The
//! guard still turns away whoever has no business here, before a body is read:
//!
//! ```text
//! POST /admin/payout           POST /demote/ada          administrators
//! all but one byte
//! guard: admin?  yes                                     ada, bob
//!                              remove ada                bob
//!                              "ada is no admin now"     bob
//! the last byte
//! handler: admin?  no, 403                               bob
//! ```

use std::collections::HashSet;
use std::sync::Mutex;

use rocket::http::Status;
use rocket::outcome::{try_outcome, IntoOutcome};
use rocket::request::{FromRequest, Outcome, Request};
use rocket::{async_trait, get, launch, post, routes, State};

struct Office {
    books: Mutex<Books>,
}

struct Books {
    admins: HashSet<String>,
    journal: Vec<String>,
}

impl Books {
    fn on_the_first_day() -> Self {
        Books {
            admins: HashSet::from(["ada".to_string(), "bob".to_string()]),
            journal: Vec::new(),
        }
    }
}

/// An administrator, by the name that the gateway in front put into `x-user`.
struct Admin<'r>(&'r str);

#[async_trait]
impl<'r> FromRequest<'r> for Admin<'r> {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        let user = request.headers().get_one("x-user");
        let user = try_outcome!(user.or_error((Status::Unauthorized, ())));
        let office = try_outcome!(request.guard::<&State<Office>>().await);

        match office.books.lock().unwrap().admins.contains(user) {
            true => Outcome::Success(Admin(user)),
            false => Outcome::Error((Status::Forbidden, ())),
        }
    }
}

#[post("/admin/payout", data = "<recipient>")]
fn payout(admin: Admin<'_>, recipient: String, office: &State<Office>) -> Result<String, Status> {
    let mut books = office.books.lock().unwrap();
    // The guard has seen an administrator, but that may be long ago. Who is none any
    // more is told what the guard would say.
    if !books.admins.contains(admin.0) {
        return Err(Status::Forbidden);
    }
    books.journal.push(format!("{} pays {recipient}", admin.0));
    Ok(format!("paid to {recipient}"))
}

#[post("/demote/<user>")]
fn demote(user: &str, office: &State<Office>) -> (Status, String) {
    let mut books = office.books.lock().unwrap();
    if !books.admins.remove(user) {
        return (Status::Conflict, format!("{user} was no admin"));
    }
    books.journal.push(format!("{user} demoted"));
    (Status::Ok, format!("{user} is no admin now"))
}

#[get("/journal")]
fn journal(office: &State<Office>) -> String {
    office.books.lock().unwrap().journal.join("\n")
}

/// Back to the first day, for whoever tries this more than once.
#[post("/reset")]
fn reset(office: &State<Office>) -> &'static str {
    *office.books.lock().unwrap() = Books::on_the_first_day();
    "as on the first day"
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .manage(Office {
            books: Mutex::new(Books::on_the_first_day()),
        })
        .mount("/", routes![payout, demote, journal, reset])
}
