"""What is at stake shows in impact, severity and order."""

import pytest

from deadheat.model import Confidence, Finding, Impact, Severity
from deadheat.rules import check
from deadheat.rules.ranking import confidence, is_authority, words
from deadheat.rust import read
from tests.rules.test_examples import tree

APP = """\
use rocket::{{post, tokio::sync::Mutex, State}};
use std::collections::HashMap;
struct Shop {{ {field}: Mutex<HashMap<String, bool>> }}
async fn slow() {{}}
#[post("/take/<code>")]
async fn take(code: String, shop: &State<Shop>) -> &'static str {{
    if shop.{field}.lock().await.contains_key(&code) {{ return "gone"; }}
    {wait}
    shop.{field}.lock().await.insert({key}, true);
    "done"
}}
"""


def only(field: str, *, wait: str = "slow().await;", key: str = "code") -> Finding:
    (finding,) = check(read(tree(APP.format(field=field, wait=wait, key=key))))
    return finding


def test_words_are_whole() -> None:
    assert words("AppState.couponCodes[user_id]") == {"app", "state", "coupon", "codes", "user", "id"}
    assert not is_authority("App.adminstrivia")
    assert is_authority("Team.admins.[user]")


def test_money_that_an_attacker_can_aim_at_with_time_is_critical() -> None:
    finding = only("coupons")
    assert finding.severity is Severity.CRITICAL
    assert Impact.AUTHORIZATION_BYPASS in finding.impact


def test_what_nobody_is_after_keeps_its_severity() -> None:
    assert only("pages").severity is Severity.HIGH


def test_the_order_is_severity_then_confidence_then_what_speaks_for_it() -> None:
    both = (
        APP.format(field="pages", wait="", key="code")
        + APP.format(field="coupons", wait="slow().await;", key="code")
        .split("async fn slow() {}\n")[1]
        .replace("take", "redeem")
        .replace("Shop", "Till")
        + ("struct Till { coupons: Mutex<HashMap<String, bool>> }\n")
    )
    paths = [finding.state.path for finding in check(read(tree(both)))]
    assert paths == ["Till.coupons", "Shop.pages"]


@pytest.mark.parametrize(
    ("proven", "serves", "exact", "expected"),
    [
        (True, True, True, Confidence.HIGH),
        (False, True, True, Confidence.MEDIUM),
        (True, False, True, Confidence.MEDIUM),
        (True, True, False, Confidence.MEDIUM),
        (True, False, False, Confidence.LOW),
        (False, False, False, Confidence.LOW),
    ],
)
def test_confidence_follows_provenance(proven: bool, serves: bool, exact: bool, expected: Confidence) -> None:
    assert confidence(Confidence.HIGH, proven=proven, serves=serves, exact=exact) is expected
    assert confidence(Confidence.HIGH, proven=True, serves=True, exact=True, benign=True) is Confidence.LOW
