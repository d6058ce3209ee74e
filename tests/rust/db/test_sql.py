"""SQL text is read whatever client it is for, and what cannot be read is nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deadheat.rust.db.query import Op
from deadheat.rust.db.sql import statements


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("SELECT used FROM coupons WHERE code = $1", [("code", "=", "?0")]),
        ("SELECT used FROM coupons WHERE code = ? AND shop = ?", [("code", "=", "?0"), ("shop", "=", "?1")]),
        ("SELECT used FROM coupons WHERE code = ?2", [("code", "=", "?1")]),
        ("SELECT used FROM coupons WHERE code = :code", [("code", "=", ":code")]),
        ("SELECT used FROM coupons c WHERE c.used = false AND NOT paid",
         [("used", "=", "false"), ("paid", "=", "false")]),
        ("SELECT used FROM coupons WHERE $1 < uses", [("uses", ">", "?0")]),
        ("SELECT id::text FROM coupons WHERE id = $1::bigint", [("id", "=", "?0")]),
    ],
)  # fmt: skip
def test_conditions(text: str, where: list[tuple[str, str, str]]) -> None:
    (query,) = statements(text)
    assert query.op is Op.SELECT
    assert query.table == "coupons"
    assert [(one.column, one.operator, one.key) for one in query.where] == where


def test_a_disjunction_states_nothing() -> None:
    (query,) = statements("SELECT * FROM t WHERE a = $1 OR b = $2")
    assert query.opaque
    assert query.fixed() == frozenset()


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("INSERT INTO t (a) VALUES ($1) ON CONFLICT DO NOTHING", "nothing"),
        ("INSERT INTO t (a, b) VALUES ($1, $2) ON CONFLICT (a) DO UPDATE SET b = excluded.b", "update"),
        ("INSERT IGNORE INTO t (a) VALUES (?)", "ignore"),
        ("INSERT OR IGNORE INTO t (a) VALUES (?)", "ignore"),
        ("REPLACE INTO t (a) VALUES (?)", "replace"),
        ("INSERT INTO t (a) VALUES (?) ON DUPLICATE KEY UPDATE a = a", "update"),
        ("INSERT INTO t (a) VALUES (?)", ""),
    ],
)
def test_how_a_duplicate_is_met(text: str, how: str) -> None:
    (query,) = statements(text)
    assert (query.op, query.table, query.conflict) == (Op.INSERT, "t", how)


def test_what_the_database_computes_is_told_apart() -> None:
    (query,) = statements("UPDATE t SET n = n - $1, note = $2 WHERE id = $3 AND n >= $1")
    assert query.columns == ("n", "note")
    assert query.relative == ("n",)
    assert query.named() == {"id", "n"}


@pytest.mark.parametrize(
    ("text", "aggregate"),
    [
        ("SELECT COUNT(*) FROM t", "count"),
        ("SELECT EXISTS(SELECT 1 FROM t WHERE a = 1)", "exists"),
        ("SELECT COALESCE(MAX(n), 0) + 1 FROM t", "max"),
        ("SELECT CAST(SUM(n) AS unsigned integer) FROM t", "sum"),
        ("SELECT id FROM t ORDER BY id DESC LIMIT 1", "last"),
    ],
)
def test_aggregates(text: str, aggregate: str) -> None:
    (query,) = statements(text)
    assert (query.table, query.aggregate) == ("t", aggregate)


def test_for_update_and_transactions() -> None:
    assert statements("SELECT * FROM t WHERE id = $1 FOR UPDATE")[0].locked
    assert statements("BEGIN IMMEDIATE")[0].isolation == "immediate"
    assert statements("BEGIN")[0].isolation == ""


@given(st.text(max_size=80))
def test_no_text_is_an_error(text: str) -> None:
    statements(text)
    for start in ("SELECT", "UPDATE t SET", "INSERT INTO t"):
        statements(f"{start} {text}")
