"""DH303: an asynchronous lock is held while another service or the clock is waited for. Covers P29."""

from collections.abc import Iterable

from deadheat.model import Confidence, Finding, Impact, Severity
from deadheat.rules.context import Context
from deadheat.rules.rule import Example, Rule
from deadheat.rules.waiting import BOUND_OR_CLAIM, under
from deadheat.rust.outside import EXTERNAL, SLOW


def check(rule: Rule, context: Context) -> Iterable[Finding]:
    """Requests to other services and pauses under a tokio lock."""
    return under(rule, context, frozenset({EXTERNAL, SLOW}), asynchronous=True)


RULE = Rule(
    code="DH303",
    name="lock-across-io",
    title="lock held while waiting for I/O",
    cwe=(667, 400),
    severity=Severity.INFO,
    confidence=Confidence.LOW,
    impact=(Impact.DENIAL_OF_SERVICE,),
    summary="A tokio lock is held while another service is waited for: everybody waits as long as it takes.",
    explanation="""\
The lock is held while the request waits for something slow outside. Nothing is wrong with the data: on the
contrary, holding the guard is often what makes the check and the act one step. But every other request for
the same lock waits for that service too, and when it hangs, they all hang.

    let mut stock = shop.stock.lock().await;
    client.post(url).send().await?;          // seconds, while everybody waits
    *stock -= 1;

Do not simply shorten the guard: that turns a slow handler into a wrong one (see `check-then-act`). Bound the
wait, or claim first and settle later.""",
    invalid=(
        Example(
            "another service is asked under the lock",
            """\
use rocket::{post, State, tokio::sync::Mutex};

struct Shop { stock: Mutex<u32>, client: reqwest::Client }

#[post("/buy")]
async fn buy(shop: &State<Shop>) -> Option<()> {
    let mut stock = shop.stock.lock().await;
    shop.client.post("http://localhost/pay").send().await.ok()?;
    *stock -= 1;
    Some(())
}
""",
        ),
        Example(
            "a pause under the lock",
            """\
use rocket::{post, State, tokio::{sync::Mutex, time::sleep}};
use std::time::Duration;

struct Shop { stock: Mutex<u32> }

#[post("/buy")]
async fn buy(shop: &State<Shop>) {
    let mut stock = shop.stock.lock().await;
    sleep(Duration::from_secs(1)).await;
    *stock -= 1;
}
""",
        ),
    ),
    valid=(
        Example(
            "asked without the lock",
            """\
use rocket::{post, State, tokio::sync::Mutex};

struct Shop { paid: Mutex<u32>, client: reqwest::Client }

#[post("/buy")]
async fn buy(shop: &State<Shop>) -> Option<()> {
    shop.client.post("http://localhost/pay").send().await.ok()?;
    *shop.paid.lock().await += 1;
    Some(())
}
""",
        ),
        Example(
            "readers do not stand in each other's way",
            """\
use rocket::{get, State, tokio::sync::RwLock};

struct Shop { url: RwLock<String>, client: reqwest::Client }

#[get("/price")]
async fn price(shop: &State<Shop>) -> Option<String> {
    let url = shop.url.read().await;
    shop.client.get(url.as_str()).send().await.ok()?.text().await.ok()
}
""",
        ),
    ),
    fixes=BOUND_OR_CLAIM,
    check=check,
)
