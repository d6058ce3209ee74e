"""Comments that accept a finding: read exactly, never without a reason, never silently idle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadheat.model import Span
from deadheat.rules import RULES, check, review
from deadheat.rules.suppress import parse
from deadheat.rust import read
from tests.rules.test_examples import tree

HERE = Span("src/main.rs", 1, 1, 1, 9)
RACE = """\
use rocket::{post, State};
use std::sync::Mutex;

struct Seats(Mutex<u32>);

#[post("/take")]
fn take(seats: &State<Seats>) -> &'static str {
    if *seats.0.lock().unwrap() == 0 {%s
        return "sold out";
    }
    %s
    *seats.0.lock().unwrap() -= 1;%s
    "yours"
}
"""
ALLOW = '// deadheat: allow(check-then-act) reason="settled at the door"'


def rules_of(check_line: str = "", above: str = "", act_line: str = "") -> list[str]:
    return [finding.rule for finding in check(read(tree(RACE % (check_line, above, act_line))))]


def test_without_a_comment_it_is_found() -> None:
    assert rules_of() == ["check-then-act"]


@pytest.mark.parametrize(
    "comments",
    [
        {"above": ALLOW},
        {"act_line": f" {ALLOW}"},
        {"check_line": f" {ALLOW}"},
        {"above": ALLOW.replace("check-then-act", "DH101")},
        {"above": f"{ALLOW}\n    // and more about it"},
    ],
    ids=["above the act", "beside the act", "beside the check", "by its code", "above another comment"],
)
def test_it_is_accepted(comments: dict[str, str]) -> None:
    findings, accepted = review(read(tree(RACE % tuple(
        comments.get(place, "") for place in ("check_line", "above", "act_line")
    ))))  # fmt: skip
    assert findings == ()
    assert [one.reason for one in accepted] == ["settled at the door"]


@pytest.mark.parametrize(
    ("comment", "said"),
    [
        ("// deadheat: allow(check-then-act)", "no reason"),
        ('// deadheat: allow(check-then-act) reason=""', "no reason"),
        ('// deadheat: allow(chek-then-act) reason="x"', "did you mean `check-then-act`"),
        ('// deadheat: allow() reason="x"', "names no rule"),
        ('// deadheat: alow(check-then-act) reason="x"', "did you mean `allow`"),
        ('// deadheat: allow(deadlock) reason="x"', "nothing here is deadlock"),
        ('// deadheat: allow(check-then-act) reason="x" for now', "means nothing"),
    ],
)
def test_what_allows_nothing_is_said(comment: str, said: str) -> None:
    findings = check(read(tree(RACE % ("", comment, ""))))
    assert [finding.rule for finding in findings] == ["check-then-act", "idle-allow"]
    assert said in findings[-1].message


def test_it_is_not_carried_over_an_empty_line() -> None:
    assert rules_of(above=f"{ALLOW}\n") == ["check-then-act", "idle-allow"]


def test_other_comments_and_strings_are_none() -> None:
    assert rules_of(act_line=' let _s = "// deadheat: allow(check-then-act)";') == ["check-then-act"]
    assert parse("// about deadheat: allow(check-then-act)", HERE, 1) is None
    assert parse('// deadheat: assume(single-writer) reason="x"', HERE, 1) is None


names = st.lists(st.sampled_from(sorted(RULES)), min_size=1, max_size=4)
space = st.text(" \t", max_size=3)


@given(
    names,
    st.text(st.characters(exclude_characters='"\\\r\n\x85\u2028\u2029', exclude_categories=["C"])),
    space,
)
def test_what_is_written_is_read(rules: list[str], reason: str, blank: str) -> None:
    listed = f"{blank},{blank}".join(rules)
    comment = f'//{blank}deadheat:{blank}allow({blank}{listed}{blank}){blank} reason{blank}="{reason}"'
    allow = parse(comment, HERE, 1)
    assert allow is not None
    assert allow.rules == tuple(rules)
    assert allow.reason == reason.strip()
    assert bool(allow.wrong) == (not reason.strip())


@given(st.text())
def test_any_comment_is_read_without_complaint(text: str) -> None:
    parse(f"// deadheat: {text}", HERE, 1)
    parse(f"// deadheat: allow{text}", HERE, 1)
