"""Keys: two steps are independent only where that is certain."""

from deadheat.engine.pg_keys import UNKNOWN, Keys
from deadheat.schedule import NOTHING, Op
from deadheat.wire.pg_transaction import Aspect, Touch


def value(
    table: str = "items",
    row: int | str | None = None,
    *,
    write: bool = True,
    column: str = "id",
    aspect: Aspect = Aspect.VALUE,
    new: bool = False,
) -> Touch:
    family = "int" if isinstance(row, int) else "text"
    told = () if row is None else ((column, (family, str(row))),)
    return Touch(aspect, write, table, told, new)


def test_two_rows_of_one_column_do_not_conflict() -> None:
    keys = Keys()
    assert not keys.op([value(row=1)]).conflicts(keys.op([value(row=2)]))
    assert keys.op([value(row=1)]).conflicts(keys.op([value(row=1)]))
    assert not keys.op([value(row=1, write=False)]).conflicts(keys.op([value(row=1, write=False)]))


def test_rows_told_by_two_columns_or_types_may_be_the_same() -> None:
    keys = Keys()
    one = keys.op([value(row=1)])
    assert one.conflicts(keys.op([value(row="lamp", column="name")]))
    assert one.conflicts(keys.op([value(row="1")]))
    assert one.conflicts(keys.op([value()]))


def test_a_new_row_does_not_say_by_which_column_rows_are_told() -> None:
    keys = Keys()
    keys.op([Touch(Aspect.VALUE, True, "items", (("name", ("text", "x")), ("id", ("int", "9"))), new=True)])
    assert not keys.op([value(row=1)]).conflicts(keys.op([value(row=2)]))
    added = keys.op([Touch(Aspect.VALUE, True, "items", (("name", ("text", "x")), ("id", ("int", "9"))))])
    assert added.conflicts(keys.op([value(row=9, write=False)]))
    assert not added.conflicts(keys.op([value(row=8, write=False)]))


def test_tables_are_independent_and_the_unknown_is_not() -> None:
    keys = Keys()
    items, orders = keys.op([value("items")]), keys.op([value("orders")])
    assert not items.conflicts(orders)
    assert items.conflicts(keys.op(None))
    both = keys.op([value("orders", write=False), value("items", write=False)])
    assert both.conflicts(items)
    assert both.conflicts(orders)
    assert not both.conflicts(keys.op([value("items", write=False)]))


def test_a_lock_is_no_change_of_what_is_committed() -> None:
    keys = Keys()
    lock = keys.op([value(write=False), value(aspect=Aspect.LOCK)])
    assert not lock.conflicts(keys.op([value(write=False)]))
    assert lock.conflicts(keys.op([value(aspect=Aspect.LOCK)]))
    assert lock.conflicts(keys.op([value()]))


def test_a_snapshot_conflicts_with_every_change_and_no_other_snapshot() -> None:
    keys = Keys()
    snapshot = Touch(Aspect.SNAPSHOT, False)
    one, two = keys.op([snapshot], session=7), keys.op([snapshot], session=8)
    assert not one.conflicts(two)
    assert one.conflicts(keys.op([value("orders")]))
    assert not one.conflicts(keys.op([value("orders", aspect=Aspect.LOCK)]))
    assert not keys.op([value("a")]).conflicts(keys.op([value("b")]))


def test_what_touches_nothing_conflicts_with_nothing() -> None:
    assert Keys().op([]) == NOTHING
    assert not NOTHING.conflicts(UNKNOWN)
    assert not NOTHING.conflicts(NOTHING)
    assert NOTHING.also([NOTHING]) == NOTHING
    assert Op(3, False).also([NOTHING, Op(4)]) == Op(3, False, 0, (Op(4),))
    assert Op(3).also([UNKNOWN]) == UNKNOWN


def test_a_database_that_hides_effects_is_not_believed() -> None:
    keys = Keys(distrusted=True)
    assert keys.op([value(row=1)]) == UNKNOWN
