"""Keys: two statements are independent only where that is certain."""

from deadheat.engine.pg_keys import UNKNOWN, Keys
from deadheat.wire.pg_sql import Access


def row(value: str, *, write: bool = True, column: str = "id", family: str = "int") -> tuple[Access, ...]:
    return (Access("items", write, column, (family, value)),)


def test_two_rows_of_one_column_do_not_conflict() -> None:
    keys = Keys()
    assert not keys.op(row("1")).conflicts(keys.op(row("2")))
    assert keys.op(row("1")).conflicts(keys.op(row("1")))
    assert not keys.op(row("1", write=False)).conflicts(keys.op(row("1", write=False)))


def test_rows_told_by_two_columns_or_types_may_be_the_same() -> None:
    keys = Keys()
    one = keys.op(row("1"))
    assert one.conflicts(keys.op(row("lamp", column="name", family="text")))
    assert one.conflicts(keys.op(row("1", family="text")))
    assert one.conflicts(keys.op((Access("items", True),)))


def test_tables_are_independent_and_the_unknown_is_not() -> None:
    keys = Keys()
    items, orders = keys.op((Access("items", True),)), keys.op((Access("orders", True),))
    assert not items.conflicts(orders)
    assert items.conflicts(keys.op(()))
    both = keys.op((Access("a", False), Access("b", False)))
    assert both.conflicts(items)
    assert not both.conflicts(keys.op((Access("items", False),)))


def test_a_database_that_hides_effects_is_not_believed() -> None:
    keys = Keys(distrusted=True)
    assert keys.op(row("1")) == UNKNOWN
