"""What every rule must carry, and how findings are put together."""

from deadheat.model import Confidence
from deadheat.rules import RULES, check, rule_of
from deadheat.rust import read
from tests.rules.test_examples import tree

# Found by exploration alone: there is nothing to read in the source.
DYNAMIC = {"deadlock", "invariant-violation", "non-serializable-outcome", "sequential-violation"}

RE_READ = """\
use rocket::{get, State};
use std::sync::Mutex;
struct Visits { count: Mutex<u32> }
#[get("/a")]
fn a(visits: &State<Visits>) -> String { bump(visits) }
#[get("/b")]
fn b(visits: &State<Visits>) -> String { bump(visits) }
fn bump(visits: &Visits) -> String {
    *visits.count.lock().unwrap() += 1;
    format!("{}", *visits.count.lock().unwrap())
}
"""


def test_rules_are_complete() -> None:
    codes = [rule.code for rule in RULES.values()]
    assert len(set(codes)) == len(codes)
    for name, rule in RULES.items():
        assert rule.name == name
        assert rule.cwe
        assert rule.impact
        assert rule.fixes
        assert len(rule.explanation.splitlines()) > 5
        if name not in DYNAMIC:
            assert rule.invalid
            assert rule.valid


def test_rules_are_found_by_name_and_by_code() -> None:
    assert rule_of("DH101") is rule_of("check-then-act") is rule_of("dh101")
    assert rule_of("DH999") is None


def test_a_window_in_a_helper_is_one_finding_for_all_its_handlers() -> None:
    (finding,) = check(read(tree(RE_READ)))
    assert finding.rule == "response-re-read"
    assert set(finding.handlers) == {"app::a", "app::b"}
    assert finding.state.path == "Visits.count"
    assert finding.location.start_line == 10
    assert finding.window is not None
    assert finding.window.check.span.start_line == 9
    assert [str(span).split(":")[1] for span in finding.window.act.via] == ["5"]


def test_the_fingerprint_survives_lines_and_changes_with_the_function() -> None:
    (before,) = check(read(tree(RE_READ)))
    (moved,) = check(read(tree("\n\n// a comment\n" + RE_READ)))
    (renamed,) = check(read(tree(RE_READ.replace("bump", "grow"))))
    assert before.fingerprint == moved.fingerprint
    assert before.fingerprint != renamed.fingerprint


def test_awaits_in_the_window_are_counted() -> None:
    source = """\
use rocket::{get, State, tokio::sync::Mutex};
struct Visits { count: Mutex<u32> }
async fn slow() {}
#[get("/")]
async fn visit(visits: &State<Visits>) {
    let count = *visits.count.lock().await;
    slow().await;
    slow().await;
    let mut guard = visits.count.lock().await;
    *guard = count + 1;
}
"""
    (finding,) = check(read(tree(source)))
    assert finding.window is not None
    assert finding.window.awaits == 3  # the second lock is awaited too


def test_a_cache_that_is_filled_twice_is_a_note() -> None:
    source = """\
use rocket::{get, State};
use std::{collections::HashMap, sync::RwLock};
struct Cache { pages: RwLock<HashMap<String, String>> }
#[get("/<page>")]
fn show(page: String, cache: &State<Cache>) -> String {
    if let Some(text) = cache.pages.read().unwrap().get(&page) {
        return text.clone();
    }
    let text = page.to_uppercase();
    cache.pages.write().unwrap().insert(page, text.clone());
    text
}
"""
    (finding,) = check(read(tree(source, edition="2024")))
    assert finding.confidence is Confidence.LOW


def test_if_let_releases_before_else_only_from_edition_2024() -> None:
    source = """\
use rocket::{get, State};
use std::sync::Mutex;
struct Queue { jobs: Mutex<Vec<u32>> }
#[get("/")]
fn next(queue: &State<Queue>) -> usize {
    if let Some(_) = queue.jobs.lock().unwrap().first() { 0 } else { queue.jobs.lock().unwrap().len() }
}
"""
    assert [finding.rule for finding in check(read(tree(source, "2021")))] == ["same-lock-re-entry"]
    assert check(read(tree(source, "2024"))) == ()
