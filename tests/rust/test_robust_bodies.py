"""Bodies and macros that are too large, too deep or damaged: read as far as it goes, and said so."""

from hypothesis import given, settings
from hypothesis import strategies as st

from deadheat.rules import check
from tests.rust.programs import program

HEAD = (
    "use rocket::{post, tokio, State}; use std::{collections::HashMap, sync::Mutex};\n"
    "struct S { a: Mutex<HashMap<u32, u32>> }\n"
)
MACROS = """\
macro_rules! put { ($m:expr, $k:expr) => { $m.lock().unwrap().insert($k, 1) }; ($($x:expr),*) => {}; }
#[post("/<k>")] async fn h(k: u32, s: &State<S>) -> EventStream![] {
    put!(s.a, k);
    tokio::select! { biased; Some(x) = rx.recv(), if x > 1 => { put!(s.a, x) } _ = end => return, else => {} }
    let v = json!({ "a": [*s.a.lock().unwrap().get(&k), { "b": k }], "c": null });
    timeout(limit, async { put!(s.a, k); f().await; put!(s.a, k) }).await;
    EventStream! { loop { yield Event::json(&s.a.lock().unwrap().len()); if let Some(e) = s.a.lock() { } } }
}
"""


def test_what_nests_too_deep_is_reported() -> None:
    depth = 400
    body = "if x { " * depth + "s.a.lock().unwrap().clear();" + " }" * depth
    found = program(f'{HEAD}#[post("/")] fn deep(s: &State<S>) {{ {body} }}\n#[post("/x")] fn flat() {{ }}')
    ((path, reason),) = found.review.skipped
    assert path == "src/main.rs"
    assert reason == "`deep` (line 3) is too large or too deep to be read in full"


def test_a_body_of_thousands_of_statements_is_cut_and_reported() -> None:
    body = "    s.a.lock().unwrap().insert(1, 2);\n" * 3000
    found = program(f'{HEAD}#[post("/")] fn h(s: &State<S>) {{\n{body}}}\n')
    check(found)
    ((_, reason),) = found.review.skipped
    assert "`h` (line 3)" in reason
    assert found.review.accesses  # what comes before the cut is read


def test_a_file_of_fifty_thousand_lines() -> None:
    lines = [HEAD]
    for number in range(200):
        lines.append(f'#[post("/{number}")] fn h{number}(s: &State<S>) {{\n')
        lines.append("    let unused = 1;\n" * 249)
        lines.append("    s.a.lock().unwrap().clear();\n}\n")
    found = program("".join(lines))
    assert found.review.lines > 50_000
    assert len(found.review.handlers) == 200
    assert check(found) == ()
    assert found.review.skipped == ()


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_damaged_macros(data: st.DataObject) -> None:
    text = bytearray(MACROS.encode())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(text) - 1))
        if data.draw(st.booleans()):
            del text[at]
        else:
            text[at] = data.draw(st.sampled_from(b"{}()[]<>;,=>$!.&|\"' \x00\xff"))
    source = HEAD + bytes(text).decode("utf-8", "replace")
    found = program(source)
    check(found)
    for site in found.sites:
        assert 0 <= site.call[0] < site.call[1] <= len(source.encode())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(MACROS.replace("\n", " \n ").split(" ")), max_size=60))
def test_words_in_any_order(words: list[str]) -> None:
    check(program(f'{HEAD}#[post("/")] fn h(s: &State<S>) {{ {" ".join(words)} }}'))
