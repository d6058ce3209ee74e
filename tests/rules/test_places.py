"""Where a finding is: in the function that does both, with the helpers' own lines beside it."""

from deadheat.model import Finding
from deadheat.rules import check
from deadheat.rust import read
from tests.rules.test_examples import tree

WALLET = """\
use rocket::{post, http::Status, State};
use std::sync::Mutex;
struct Wallet { cents: Mutex<i64> }
impl Wallet {
    fn balance(&self) -> i64 {
        *self.cents.lock().unwrap()
    }
    fn set(&self, cents: i64) {
        *self.cents.lock().unwrap() = cents;
    }
}
#[post("/withdraw/<n>")]
fn withdraw(n: i64, wallet: &State<Wallet>) -> Status {
    let have = wallet.balance();
    if have < n { return Status::PaymentRequired; }
    wallet.set(have - n);
    Status::Ok
}
"""
SYNC = """\
use rocket::{post, State, tokio::runtime::Handle};
use std::sync::Mutex;
struct Last { text: Mutex<String> }
async fn pull() -> String {
    reqwest::get("https://peer.example").await.unwrap().text().await.unwrap()
}
#[post("/sync")]
fn sync(last: &State<Last>) {
    Handle::current().block_on(async {
        let mut text = last.text.lock().unwrap();
        *text = pull().await;
    })
}
"""


def lines(finding: Finding) -> tuple[int, int]:
    assert finding.window is not None
    return finding.window.check.span.start_line, finding.window.act.span.start_line


def test_a_window_is_in_the_function_that_opens_it() -> None:
    (finding,) = check(read(tree(WALLET)))
    assert finding.rule == "check-then-act"
    assert lines(finding) == (14, 16)
    assert finding.location.start_line == 16
    assert "(line 6, called in line 14)" in finding.message
    assert {span.start_line for span, _ in finding.related} >= {6, 9, 14}


def test_a_probe_goes_where_the_access_is() -> None:
    (finding,) = check(read(tree(WALLET)))
    assert finding.window is not None
    assert finding.window.check.home.start_line == 6
    assert finding.window.act.home.start_line == 9


def test_a_window_within_a_helper_stays_there() -> None:
    inside = WALLET.replace("wallet.set(have - n);", "").replace("let have = wallet.balance();", "").replace(
        "if have < n { return Status::PaymentRequired; }", "if !wallet.take(n) { return Status::Gone; }"
    ).replace(
        "    fn set(",
        "    fn take(&self, n: i64) -> bool {\n        if self.balance() < n { return false; }\n"
        "        *self.cents.lock().unwrap() -= n;\n        true\n    }\n    fn set("
    )  # fmt: skip
    (finding,) = check(read(tree(inside)))
    assert lines(finding) == (9, 10)


def test_who_holds_the_guard_waits_not_the_helper() -> None:
    (finding,) = [one for one in check(read(tree(SYNC))) if one.rule == "blocking-guard-across-await"]
    assert finding.location.start_line == 11
    assert any(span.start_line == 5 for span, _ in finding.related)
