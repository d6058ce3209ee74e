"""Handlers, mounts and parameters."""

import pytest

from deadheat.model import ParameterKind
from tests.rust.programs import program

SHOP = """\
#[macro_use] extern crate rocket;
use rocket::{form::Form, serde::{json::Json, Deserialize}, State};
use std::sync::Mutex;

const API: &str = "/api";
type Stock = Mutex<u32>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Order { item_id: u32, #[serde(rename = "qty")] amount: i64, #[serde(skip)] note: String }

#[derive(FromForm)]
struct Login<'r> { #[field(name = "user-name")] user: &'r str, pass: String }

struct Admin;
#[rocket::async_trait]
impl<'r> rocket::request::FromRequest<'r> for Admin {
    type Error = ();
    async fn from_request(r: &'r rocket::Request<'_>) -> rocket::request::Outcome<Self, ()> { todo!() }
}

#[post("/order/<shop>?<page>&<rest..>", format = "json", data = "<order>", rank = 2)]
async fn order(shop: &str, page: Option<u32>, rest: Rest, order: Json<Order>, s: &State<Stock>, a: Admin) {}

#[derive(FromForm)]
struct Rest { limit: u8 }

#[route(PUT, uri = "/login", data = "<form>")]
fn login(form: Form<Login<'_>>) {}

#[rocket::delete("/text", data = "<body>")]
fn text(body: String) {}

#[get("/")]
fn nowhere() {}

mod admin {
    #[get("/users")]
    pub fn users() {}
    pub fn all() -> Vec<rocket::Route> { routes![users] }
}

fn everything() -> Vec<rocket::Route> {
    let mut found = routes![order, self::login];
    found.append(&mut admin::all());
    found
}

#[launch]
fn rocket() -> _ {
    rocket::build().mount(API, everything()).mount("/v2", routes![text])
}
"""


@pytest.fixture(scope="module")
def shop() -> dict[str, tuple[str, bool]]:
    return {h.name: (h.endpoint, h.mounted) for h in program(SHOP).review.handlers}


def test_routes_are_mounted_where_they_are(shop: dict[str, tuple[str, bool]]) -> None:
    assert shop == {
        "order": ("POST /api/order/<shop>?<page>&<rest..>", True),
        "login": ("PUT /api/login", True),
        "text": ("DELETE /v2/text", True),
        "users": ("GET /api/users", True),
        "nowhere": ("GET /", False),
    }


def test_parameters_come_from_where_rocket_takes_them() -> None:
    handlers = {handler.name: handler for handler in program(SHOP).review.handlers}
    order = handlers["order"]
    assert [(p.name, p.kind) for p in order.parameters] == [
        ("shop", ParameterKind.PATH),
        ("page", ParameterKind.QUERY),
        ("rest", ParameterKind.QUERY),
        ("order", ParameterKind.DATA),
        ("s", ParameterKind.STATE),
        ("a", ParameterKind.GUARD),
    ]
    assert order.is_async
    body = order.parameters[3]
    assert (body.format, body.fields) == ("json", (("itemId", "u32"), ("qty", "i64")))
    assert order.parameters[2].fields == (("limit", "u8"),)
    assert [(guard.type, guard.span is not None) for guard in order.guards] == [("Admin", True)]
    form = handlers["login"].parameters[0]
    assert (form.format, [name for name, _ in form.fields]) == ("form", ["user-name", "pass"])
    assert handlers["text"].parameters[0].format == "text"


def test_rocket_version_and_counts() -> None:
    review = program(SHOP).review
    assert review.rocket == "0.5.1"
    assert (review.files, review.lines) == (1, SHOP.count("\n"))
