"""Broken, damaged and absurd text is read for what it is worth, and never crashes the reader."""

from hypothesis import given, settings
from hypothesis import strategies as st

from deadheat.rules import RULES, check
from deadheat.rust import SourceTree, read
from tests.rust.programs import MANIFEST, program

CORPUS = [example.source.encode() for rule in RULES.values() for example in (*rule.invalid, *rule.valid)]


def review(text: bytes) -> None:
    manifest = MANIFEST.format(name="app", edition="2021").encode()
    found = read(SourceTree("", {"Cargo.toml": manifest}, {"src/main.rs": text}))
    check(found)
    for site in found.sites:
        assert 0 <= site.call[0] < site.call[1] <= len(text)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(CORPUS), st.data())
def test_damaged_files(source: bytes, data: st.DataObject) -> None:
    text = bytearray(source)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        if data.draw(st.booleans()):
            del text[at]
        else:
            text[at] = data.draw(st.integers(0, 255))
    review(bytes(text))


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(CORPUS), st.data())
def test_truncated_files(source: bytes, data: st.DataObject) -> None:
    review(source[: data.draw(st.integers(0, len(source)))])


def test_deep_nesting() -> None:
    depth = 3000
    review(b"fn f() { " + b"{ " * depth + b"}" * depth + b" }")
    review(b"fn f() { let x = " + b"(" * depth + b"1" + b")" * depth + b"; }")
    review(b"fn f() { let x = 1" + b" + 1" * depth + b"; }")
    review(b"fn f() { x" + b".a()" * depth + b"; }")
    review(b"fn f() { " + b"if a { } else " * depth + b"{ } }")
    review(b"fn f() { " + b"if a { " * depth + b"}" * depth + b" }")
    review(b"fn f() -> " + b"Option<" * depth + b"u8" + b">" * depth + b" { None }")
    review(b"use " + b"a::{" * depth + b"b" + b"}" * depth + b";")
    review(b"fn f() { " + b"format!(" * 300 + b'"x"' + b")" * 300 + b" }")


def test_functions_that_call_each_other() -> None:
    found = program(
        "use std::sync::Mutex; static M: Mutex<u32> = Mutex::new(0);\n"
        "fn a(n: u32) { if n > 0 { b(n - 1) } M.lock().unwrap(); }\n"
        "fn b(n: u32) { a(n) }\n"
        '#[rocket::get("/")] fn h() { a(3) }'
    )
    assert [access.operation for access in found.review.accesses] == ["Mutex::lock"]


def test_what_is_no_rust_is_reported() -> None:
    found = program(
        {"src/main.rs": "mod broken;\nfn main() {}", "src/broken.rs": "<html> & <body> $$ ]] }} " * 9}
    )
    ((path, reason),) = found.review.skipped
    assert path == "src/broken.rs"
    assert "not Rust" in reason


def test_half_a_file_is_still_read() -> None:
    found = program(
        "use std::sync::Mutex; static M: Mutex<u32> = Mutex::new(0);\n"
        'fn broken( { let }\n#[rocket::get("/")] fn h() { *M.lock().unwrap() += 1; }\n'
    )
    assert [handler.name for handler in found.review.handlers] == ["h"]
    assert found.review.skipped == ()
