"""What people read, whole: snapshots of every kind of run, and what must hold of any run."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from rich.cells import cell_len
from syrupy.assertion import SnapshotAssertion

from deadheat.model import (
    Event,
    EventKind,
    Evidence,
    History,
    NotTested,
    Operation,
    Outcome,
    Racer,
    Request,
    Response,
    Run,
    Scenario,
    SerialOutcome,
    Span,
    Violation,
)
from deadheat.report.terminal import render
from tests.report.fixtures import (
    ACTIVE_USERS,
    COUPONS,
    FORCED_REREAD,
    INVERSION,
    MAIN,
    NOTHING,
    REREAD_FINDING,
    RUNS,
    SUSPECTED,
)

ESCAPES = re.compile(r"\x1b\[[\d;]*m")


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", sorted(RUNS))
def test_what_people_read(name: str, width: int, snapshot: SnapshotAssertion) -> None:
    assert render(RUNS[name], width=width) == snapshot


@pytest.mark.parametrize("name", ["active-users", "bank"])
def test_ascii(name: str, snapshot: SnapshotAssertion) -> None:
    text = render(RUNS[name], width=80, ascii_only=True)
    assert text.isascii()
    assert text == snapshot


@pytest.mark.parametrize("name", sorted(RUNS))
def test_colour_only_adds_escapes(name: str) -> None:
    plain, coloured = render(RUNS[name], width=80), render(RUNS[name], width=80, colour=True)
    assert coloured != plain
    assert ESCAPES.sub("", coloured) == plain


@pytest.mark.parametrize("name", sorted(RUNS))
@pytest.mark.parametrize("width", [1, 40, 57, 80, 100, 200])
def test_no_row_is_wider_than_the_terminal(name: str, width: int) -> None:
    run = RUNS[name]
    # Lines to paste are exempt: here the stub is the only long one.
    run = structs.replace(run, not_tested=())
    for line in render(run, width=width).splitlines():
        if "deadheat " in line:
            continue
        assert cell_len(line) <= max(width, 40), line


def test_the_first_thing_said_is_what_a_pass_would_not_mean() -> None:
    assert render(COUPONS).startswith("Read this first")
    assert render(NOTHING).startswith("Read this first")
    assert "not a pass" in render(NOTHING)


def test_a_suspicion_is_not_called_an_error_nor_replayed() -> None:
    text = render(SUSPECTED)
    assert "warning[DH103]" in text
    assert "error[" not in text
    assert "deadheat replay" not in text
    assert "deadheat hunt lab/rocket/active-users" in text


def test_the_credentials_of_requests_do_not_show() -> None:
    text = render(COUPONS, width=200)
    assert "k-123456" not in text
    assert "abcdef0123456789" not in text
    assert "api_key=***1" in text


def test_exactly_one_read_is_marked() -> None:
    text = render(ACTIVE_USERS)
    assert [line for line in text.splitlines() if "reads count: 2 ✗" in line]
    assert sum("✗ │" in line or " ✗  " in line for line in text.splitlines() if "│" in line) == 1


def test_long_executions_keep_twelve_events_and_count_the_rest() -> None:
    assert FORCED_REREAD.evidence is not None
    history = FORCED_REREAD.evidence.history
    extra = tuple(
        Event(100 + n, 0.0, n % 2, EventKind.STEP, FORCED_REREAD.location, "Log.lines", None, "0", "0")
        for n in range(30)
    )
    events = (*history.events[:5], *extra, *history.events[5:])
    events = tuple(structs.replace(event, seq=seq) for seq, event in enumerate(events))
    evidence = structs.replace(
        FORCED_REREAD.evidence, history=structs.replace(history, events=events, operations=())
    )
    run = structs.replace(ACTIVE_USERS, findings=(structs.replace(FORCED_REREAD, evidence=evidence),))
    text = render(run, width=120)
    table = [line for line in text.splitlines() if line.count("│") >= 3 and not line.startswith("  step")]
    assert sum("⋮" not in line for line in table) == 12
    assert sum("more step" in line for line in table) >= 1
    assert "reads count: 2 ✗" in text


def test_many_requests_are_listed_one_event_a_line() -> None:
    racers = tuple(Racer(Request("GET", f"/{n}")) for n in range(9))
    events = tuple(Event(n, 0.0, n, EventKind.SEND, text="GET /") for n in range(9))
    run = _run_with(
        Evidence(
            Scenario("nine", racers),
            FORCED_REREAD.evidence.schedule if FORCED_REREAD.evidence else None,  # type: ignore[arg-type]
            "dh1:x",
            History(events=events),
            Violation("Nine at once.", Outcome(("200",) * 9), ()),
            FORCED_REREAD.evidence.trials if FORCED_REREAD.evidence else None,  # type: ignore[arg-type]
        )
    )
    text = render(run, width=80)
    assert "  I  GET /" in text
    assert all(cell_len(line) <= 80 for line in text.splitlines())


def test_a_source_that_changed_or_is_missing_is_pointed_at_by_position() -> None:
    text = render(structs.replace(ACTIVE_USERS, sources=()))
    assert f"{MAIN}:12:21" in text
    assert render(structs.replace(ACTIVE_USERS, sources=((MAIN, "fn main() {}\n"),)))


# ---------------------------------------------------------------- any text, any values

texts = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("\x1b\x07\r\n\t\x9b│ é\u0301日本語👩\u200d💻\ufe0f\u202e\u2028\ud800"),
    ),
    max_size=40,
)
values = st.one_of(st.none(), texts)


def _run_with(evidence: Evidence) -> Run:
    return structs.replace(ACTIVE_USERS, findings=(structs.replace(FORCED_REREAD, evidence=evidence),))


@st.composite
def evidences(draw: st.DrawFn) -> Evidence:
    assert FORCED_REREAD.evidence is not None
    actors = draw(st.integers(1, 4))
    states = draw(st.lists(texts, min_size=1, max_size=2))
    events = tuple(
        Event(
            seq,
            float(seq),
            draw(st.integers(0, actors - 1)),
            draw(st.sampled_from(EventKind)),
            draw(st.sampled_from([None, FORCED_REREAD.location, Span("src/日本.rs", 3, 1, 3, 2)])),
            draw(st.sampled_from([None, *states])),
            None,
            draw(values),
            draw(values),
            text=draw(texts),
        )
        for seq in range(draw(st.integers(0, 8)))
    )
    requests = [Request("GET", draw(texts), principal=draw(values)) for _ in range(actors)]
    operations = tuple(
        Operation(n, n, request, n, None, Response(200, body=draw(st.binary(max_size=20))))
        for n, request in enumerate(requests)
    )
    outcomes = st.builds(
        lambda responses, value: Outcome(tuple(responses), (("count", value),)),
        st.lists(texts, min_size=actors, max_size=actors),
        texts,
    )
    return structs.replace(
        FORCED_REREAD.evidence,
        scenario=Scenario(draw(texts), tuple(map(Racer, requests))),
        history=History(operations, events, stuck=(0,) if draw(st.booleans()) else ()),
        verdict=Violation(
            draw(texts),
            draw(outcomes),
            (SerialOutcome((0,), draw(outcomes)),) if draw(st.booleans()) else (),
            deadlock=draw(st.booleans()),
        ),
    )


def _check(text: str, width: int, *, ascii_only: bool) -> None:
    assert text.isascii() or not ascii_only
    text.encode()
    for line in text.split("\n"):
        assert line.isprintable() or not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in line), (
            line
        )
        assert not set(line) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2028\u2029\u200d"), line
        assert "deadheat " in line or cell_len(line) <= width, line


@given(evidences(), st.sampled_from([40, 80, 120]), st.booleans())
def test_no_text_breaks_the_drawing_or_reaches_the_terminal(
    evidence: Evidence, width: int, ascii_only: bool
) -> None:
    _check(render(_run_with(evidence), width=width, ascii_only=ascii_only), width, ascii_only=ascii_only)


@given(evidences())
def test_table_columns_stay_aligned(evidence: Evidence) -> None:
    lines = render(_run_with(evidence), width=120).splitlines()
    start = next((i for i, line in enumerate(lines) if "─┼─" in line), None)
    if start is None:
        return
    crossings = [cell_len(lines[start][:i]) for i, char in enumerate(lines[start]) if char == "┼"]
    for line in lines[start + 1 :]:
        if not line.startswith("  ") or "│" not in line:
            break
        bars = {cell_len(line[:i]) for i, char in enumerate(line) if char == "│"}
        assert set(crossings) <= bars, line


@given(texts, texts, texts, st.booleans())
def test_messages_sources_and_untested_are_safe_too(a: str, b: str, c: str, ascii_only: bool) -> None:
    run = structs.replace(
        SUSPECTED,
        findings=(structs.replace(REREAD_FINDING, message=a, title=b, related=((INVERSION.location, c),)),),
        not_tested=(NotTested(b, c, ""),),
        sources=((MAIN, "\n".join([a + b + c] * 20)),),
    )
    _check(render(run, width=60, ascii_only=ascii_only), 60, ascii_only=ascii_only)
