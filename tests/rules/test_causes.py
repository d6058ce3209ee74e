"""Which findings are one."""

from msgspec.structs import replace

from deadheat.model import Confidence, Finding, Span
from deadheat.rules import check
from deadheat.rules.causes import merged
from deadheat.rust import read
from tests.rules.test_examples import tree

CHECKED = """\
use rocket::{get, State};
use std::{collections::HashSet, sync::Mutex};
struct Names { taken: Mutex<HashSet<String>> }
#[get("/<name>")]
fn register(name: String, names: &State<Names>) {
    if names.taken.lock().unwrap().contains(&name) { return; }
    names.taken.lock().unwrap().insert(name);
}
"""


def one() -> Finding:
    (finding,) = [f for f in check(read(tree(CHECKED))) if f.rule == "check-then-act"]
    return finding


def moved(finding: Finding, *, check_line: int, act_line: int) -> Finding:
    """The same finding between two other lines."""
    window = finding.window
    assert window is not None
    first, last = (
        Span(span.file, line, 1, line, 2)
        for span, line in ((window.check.span, check_line), (window.act.span, act_line))
    )
    return replace(
        finding,
        location=last,
        window=replace(window, check=replace(window.check, span=first), act=replace(window.act, span=last)),
    )


def test_the_same_places_from_two_handlers_are_one_with_both() -> None:
    finding = one()
    other = replace(finding, handlers=("app::other",), confidence=Confidence.LOW)
    (only,) = merged([other, finding])
    assert only.confidence is finding.confidence
    assert only.handlers == (*finding.handlers, "app::other")


def test_one_look_up_with_two_acts_is_one_and_so_are_two_look_ups_before_one_act() -> None:
    finding = one()
    first, second = moved(finding, check_line=10, act_line=12), moved(finding, check_line=10, act_line=15)
    assert merged([second, first]) == (first,)
    third = moved(finding, check_line=11, act_line=12)
    assert merged([third, first]) == (first,)


def test_two_windows_are_two_and_their_fingerprints_differ() -> None:
    finding = one()
    two = merged([moved(finding, check_line=20, act_line=21), moved(finding, check_line=10, act_line=11)])
    assert [f.location.start_line for f in two] == [11, 21]
    assert len({f.fingerprint for f in two}) == 2


def test_database_rules_about_the_same_statements_speak_once() -> None:
    finding = one()
    rows = [replace(finding, rule=name, code=code) for name, code in (("a", "DH430"), ("b", "DH480"))]
    assert len(merged(rows)) == 1
    others = [replace(finding, rule=name, code=code) for name, code in (("a", "DH101"), ("b", "DH202"))]
    assert len(merged(others)) == 2
