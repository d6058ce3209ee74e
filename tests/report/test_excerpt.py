"""Excerpts: labels under the code they speak of."""

from syrupy.assertion import SnapshotAssertion

from deadheat.model import Span
from deadheat.report.excerpt import Gap, Mark, excerpt
from deadheat.report.text import Paper

LONG = "\n".join(["fn f() {", *(f"    let x{n} = {n};" for n in range(2, 30)), "    g(x2)", "}"])


def draw(marks: list[Mark], source: str, gap: Gap | None = None, width: int = 60) -> str:
    lines = excerpt(marks, {"a.rs": source}, Paper(width), gap)
    return "\n".join(line.plain.rstrip() for line in lines)


def test_far_apart_lines_are_elided(snapshot: SnapshotAssertion) -> None:
    act = Span("a.rs", 30, 5, 30, 10)
    marks = [Mark(act, "act", "="), Mark(Span("a.rs", 3, 9, 3, 11), "check", "-")]
    assert draw(marks, LONG, Gap(act, "window")) == snapshot


def test_check_and_act_on_one_line(snapshot: SnapshotAssertion) -> None:
    source = "if m.lock().get(k).is_none() { m.lock().insert(k, v) }"
    check, act = Span("a.rs", 1, 4, 1, 19), Span("a.rs", 1, 32, 1, 53)
    marks = [Mark(act, "act: writes m", "="), Mark(check, "check: reads m", "-")]
    assert draw(marks, source, Gap(act, "window")) == snapshot


def test_tabs_and_wide_characters_keep_the_underline_in_place(snapshot: SnapshotAssertion) -> None:
    source = '\tlet 数 = "日本"; x.lock();'
    at = source.index("x.lock()") + 1
    assert draw([Mark(Span("a.rs", 1, at, 1, at + 8), "here")], source) == snapshot


def test_long_lines_are_cut_around_the_mark(snapshot: SnapshotAssertion) -> None:
    source = "    let a = " + "b + " * 40 + "count.lock() + " + "c + " * 40 + "d;"
    at = source.index("count.lock()") + 1
    assert draw([Mark(Span("a.rs", 1, at, 1, at + 12), "locks count")], source) == snapshot


def test_a_mark_of_several_lines(snapshot: SnapshotAssertion) -> None:
    source = "state\n    .count\n    .lock();"
    assert draw([Mark(Span("a.rs", 1, 1, 3, 12), "locks count")], source) == snapshot


def test_a_place_outside_the_text(snapshot: SnapshotAssertion) -> None:
    assert draw([Mark(Span("a.rs", 9, 1, 9, 2), "gone")], "x") == snapshot
