"""`stock-postgres`'s logic as Python threads over psycopg2, explored by frontrun before a PostgreSQL.

`frontrun python _frontrun_postgres.py URL` in the peers' environment. It must not import Deadheat. Prints
one line of JSON a measurement, as `_frontrun` does. Connections are kept from one execution to the next, and
the outcome is looked at after each, as on the other side.
"""

import json
import sys
import time
from typing import Any

import frontrun  # type: ignore[import-not-found, unused-ignore]
import psycopg2  # type: ignore[import-not-found, import-untyped, unused-ignore]

SECONDS = 6.0


def connected() -> Any:  # noqa: ANN401  # the library has no types
    connection = psycopg2.connect(sys.argv[1])
    connection.autocommit = True
    return connection


OWN = connected()
KEPT = [connected(), connected()]


class Shop:
    """The first state: one lamp."""

    def __init__(self) -> None:
        with OWN.cursor() as cursor:
            cursor.execute("DELETE FROM orders; DELETE FROM items; INSERT INTO items VALUES ('lamp', 1)")
        self.answers: list[str] = []


def buy(shop: Shop, connection: Any) -> None:  # noqa: ANN401
    with connection.cursor() as cursor:
        cursor.execute("SELECT stock FROM items WHERE name = %s", ("lamp",))
        if cursor.fetchone()[0] < 1:
            shop.answers.append("none left")
            return
        cursor.execute("UPDATE items SET stock = stock - 1 WHERE name = %s", ("lamp",))
        cursor.execute("INSERT INTO orders (item) VALUES (%s)", ("lamp",))
        shop.answers.append("sold")


def anew(shop: Shop) -> None:
    connection = connected()
    try:
        buy(shop, connection)
    finally:
        connection.close()


def opened() -> str:
    """Bring the first state back for buyers in processes of their own; give what they share."""
    Shop()
    return sys.argv[1]


def buy_elsewhere(url: str) -> None:
    """Buy, in a process that keeps its connection from one execution to the next."""
    import psycopg2  # this function goes to the other process by itself

    kept = psycopg2.__dict__.setdefault("kept", [])
    if not kept:
        kept.append(psycopg2.connect(url))
        kept[0].autocommit = True
    with kept[0].cursor() as cursor:
        cursor.execute("SELECT stock FROM items WHERE name = %s", ("lamp",))
        if cursor.fetchone()[0] > 0:
            cursor.execute("UPDATE items SET stock = stock - 1 WHERE name = %s", ("lamp",))
            cursor.execute("INSERT INTO orders (item) VALUES (%s)", ("lamp",))


def looked(shop: Shop, outcomes: set[tuple[int, int]]) -> bool:
    """Look at the outcome; whether no more was sold than was there."""
    with OWN.cursor() as cursor:
        cursor.execute("SELECT stock FROM items WHERE name = %s", ("lamp",))
        stock = cursor.fetchone()[0]
        cursor.execute("SELECT count(*) FROM orders WHERE item = %s", ("lamp",))
        outcomes.add((stock, cursor.fetchone()[0]))
    return bool(stock >= 0)


def tell(measured: str, value: float | None) -> None:
    print(json.dumps({"program": "stock-postgres", "measured": measured, "value": value}), flush=True)


def main() -> None:
    with OWN.cursor() as cursor:
        cursor.execute("CREATE TABLE items (name text PRIMARY KEY, stock bigint NOT NULL)")
        cursor.execute("CREATE TABLE orders (id bigserial PRIMARY KEY, item text NOT NULL)")
    kept = [lambda shop: buy(shop, KEPT[0]), lambda shop: buy(shop, KEPT[1])]
    for name, buyers in (("kept", kept), ("anew", [anew, anew])):
        outcomes: set[tuple[int, int]] = set()
        found = frontrun.explore(
            setup=Shop,
            workers=buyers,
            invariant=lambda shop, seen=outcomes: looked(shop, seen),
            reproduce_on_failure=0,
        )
        tell(f"{name}, first", None if found.property_holds else found.num_explored)
        searches, executions, began = 0, 0, time.monotonic()
        while time.monotonic() - began < SECONDS:
            seen = frontrun.explore(
                setup=Shop,
                workers=buyers,
                invariant=lambda shop, seen=outcomes: looked(shop, seen) or True,
                preemption_bound=None,
                reproduce_on_failure=0,
            )
            searches, executions = searches + 1, executions + seen.num_explored
        tell(f"{name}, all", executions / searches)
        tell(f"{name}, rate", executions / (time.monotonic() - began))
        tell(f"{name}, outcomes", len(outcomes))
    for name, reuse in (("processes kept", True), ("processes anew", False)):
        began = time.monotonic()
        seen = frontrun.explore(
            setup=opened,
            workers=[buy_elsewhere, buy_elsewhere],
            invariant=lambda url: True,
            execution="process",
            reuse_workers=reuse,
            preemption_bound=None,
        )
        tell(f"{name}, rate", seen.num_explored / (time.monotonic() - began))


if __name__ == "__main__":
    main()
