"""Cells are measured right, and nothing that a terminal obeys gets through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from deadheat.report.text import Paper, contrast, fit, render_lines, safe, slice_cells
from deadheat.report.values import changes, distil


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x9b31m", "\\u{9b}31m"),
        ("a\u202eb", "a\\u{202e}b"),
        ("日本", "日本"),
        ("e\u0301", "e\u0301"),
        ("❤\ufe0f", "❤"),
        ("\ud800", "\\u{d800}"),
    ],
)
def test_safe(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_ascii_spells_what_it_can_and_escapes_the_rest() -> None:
    assert safe("0 → 1 × é", ascii_only=True) == "0 -> 1 x \\u{e9}"


@given(st.text(), st.integers(0, 12), st.integers(0, 12))
def test_slices_are_as_wide_as_asked(text: str, start: int, width: int) -> None:
    clean = safe(text)
    assert cell_len(slice_cells(clean, start, width)) == max(0, min(width, cell_len(clean) - start))


@given(st.text(), st.integers(0, 12))
def test_fit(text: str, width: int) -> None:
    clean = safe(text)
    fitted = fit(clean, width)
    assert cell_len(fitted) <= width
    assert fitted == clean or cell_len(clean) > width


@given(st.lists(st.text().map(safe), min_size=1, max_size=4), st.integers(1, 20))
def test_contrast_fits(values: list[str], width: int) -> None:
    assert all(cell_len(value) <= width for value in contrast(values, width))


def test_contrast_keeps_what_differs() -> None:
    answers = [f'200 "One more: {n} active now"' for n in (1, 2)]
    assert contrast(answers, 26, lead=4) == ('200 …e more: 1 active now"', '200 …e more: 2 active now"')
    first, second = contrast(answers, 20)
    assert first != second


def test_values_are_told_apart_by_their_fields() -> None:
    used = ['{"X": Coupon { amount: 10, used: false }}', '{"X": Coupon { amount: 10, used: true }}']
    assert distil(used) == {used[0]: "used: false", used[1]: "used: true"}
    assert changes(*used) == (("used", "false", "true"),)
    assert changes("0", "1") == (("", "0", "1"),)
    grown = ["{}", '{"alice": Session { started: 12345 }}']
    assert distil(grown) == dict(zip(grown, grown, strict=True))


@given(st.lists(st.text(alphabet='ab{}:," 01', min_size=15, max_size=30), min_size=1, max_size=4))
def test_different_values_stay_different(values: list[str]) -> None:
    shown = distil(values)
    spaceless = {"".join(value.split()) for value in values}
    assert len(set(shown.values())) >= len(spaceless) or len(set(shown.values())) == len(set(values))


def test_lines_to_paste_are_never_cut() -> None:
    paper = Paper(40)
    long = "deadheat replay " + "x" * 100
    assert paper.verbatim(long)[0].plain == long
    assert render_lines(paper.verbatim(long, style="bold"), colour=True).count("\n") == 1


def test_wrapped_lines_hang() -> None:
    lines = Paper(20).wrap("one two three four five six", indent="   ", first=" - ")
    assert [line.plain for line in lines] == [" - one two three", "   four five six"]
    assert all(isinstance(line, Text) for line in lines)
