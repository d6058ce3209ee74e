"""Row keys against the brute force, on a real PostgreSQL: the reduced search loses no outcome.

Scripts of SQL run as handlers. Every interleaving of their statements (`Exhaustive`) is the truth:
source-DPOR with keys has to see the same outcomes, in hardly more executions than there are
equivalence classes of what the brute force ran, by the same keys.
"""

import json
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from deadheat.engine.statements.postgres import PostgresGate
from deadheat.engine.statements.target import StatementTarget, Unmodified
from deadheat.io.pg_proxy import Link
from deadheat.io.store import Store
from deadheat.model import Request, Reset
from deadheat.schedule import End, Exhaustive, SourceDpor, Strategy
from tests.schedule.foata import foata
from tests.servers.postgres import Postgres, postgres

pytestmark = pytest.mark.rocket

SCRIPTS = Path(__file__).parents[1] / "servers" / "pg_scripts.py"
TABLES = [
    "DROP TABLE IF EXISTS items, orders, accounts",
    "CREATE TABLE items (id int PRIMARY KEY, stock int)",
    "CREATE TABLE orders (id bigserial PRIMARY KEY, item int)",
    "CREATE TABLE accounts (name text, n int)",
]
RESET = [
    "DELETE FROM orders",
    "DELETE FROM items",
    "DELETE FROM accounts",
    "INSERT INTO items VALUES (1, 1), (2, 1), (3, 1)",
]
POINTING = "ALTER TABLE orders ADD FOREIGN KEY (item) REFERENCES items"
LOOK = [
    "SELECT id, stock FROM items ORDER BY id",
    "SELECT item FROM orders ORDER BY item",
    "SELECT name, n FROM accounts ORDER BY name, n",
]
SELECT = "if SELECT stock > 0 FROM items WHERE id = 1"
UPDATE = "UPDATE items SET stock = stock - 1 WHERE id = 1"
INSERT = "INSERT INTO orders (item) VALUES (1)"
ABSENT = ["if SELECT count(*) = 0 FROM accounts WHERE n = 1", "INSERT INTO accounts VALUES ('a', 1)"]
SERIALIZABLE = "BEGIN ISOLATION LEVEL SERIALIZABLE"
BEGINS = ("", "BEGIN", "BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ", SERIALIZABLE)
WAYS: tuple[list[str], ...] = ([], ["prepared"], ["pipeline"])
STATEMENTS = (
    "SELECT stock FROM items WHERE id = :a",
    "SELECT stock FROM items WHERE id = :a FOR UPDATE",
    "UPDATE items SET stock = stock + :a WHERE id = :a",
    "UPDATE items SET stock = stock + 1 WHERE stock > :a",
    "SELECT sum(stock) FROM items",
    "DELETE FROM items WHERE id = :a",
    "INSERT INTO items (id, stock) VALUES (:c, 1) ON CONFLICT (id) DO UPDATE SET stock = 9",
    "INSERT INTO items (id, stock) VALUES (:d, 5)",
    "UPDATE items SET id = :d WHERE id = :a",
    "INSERT INTO orders (item) SELECT id FROM items WHERE id = :a",
    "INSERT INTO orders (item) VALUES (:a)",
    "SELECT count(*) FROM orders WHERE item = :a",
)


class Explored:
    """Every execution that a strategy asked for."""

    def __init__(
        self, target: StatementTarget[Link], requests: Sequence[Request], strategy: Strategy
    ) -> None:
        self.outcomes: set[tuple[object, ...]] = set()
        self.classes: Counter[object] = Counter()
        self.runs = 0
        self.counted = 0
        reset, look = (Request("POST", "/reset"),), (Request("GET", "/"),)
        while (proposal := strategy.propose()) is not None:
            target.reset(Reset.REQUESTS, reset)
            observed = target.concurrent(requests, proposal, look)
            trace = observed.execution.trace
            assert trace.end in {End.DONE, End.REDUNDANT}, trace
            self.runs += 1
            if strategy.observe(trace):
                self.counted += 1
                answers = tuple(r and (r.status, r.text) for r in observed.observation.responses)
                self.outcomes.add((answers, observed.observation.state))
                self.classes[foata(trace)] += 1


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as running:
        yield running


def explored(
    server: Postgres,
    folder: Path,
    scripts: Sequence[Sequence[str]],
    *strategies: Strategy,
    tables: Sequence[str] = (),
) -> list[Explored]:
    number = server.sql("SELECT count(*) FROM pg_database")
    url = server.database(f"scripts{number}")
    named = {"tables": [*TABLES, *tables, *RESET], "reset": RESET, "look": LOOK}
    named |= {str(number): list(script) for number, script in enumerate(scripts)}
    application = Unmodified("pg_scripts", (sys.executable, str(SCRIPTS), json.dumps(named)), Path.cwd())
    requests = [Request("POST", f"/do/{number}") for number in range(len(scripts))]
    with StatementTarget(application, PostgresGate(url), Store(folder)) as target:
        target.restart()
        return [Explored(target, requests, strategy) for strategy in strategies]


@pytest.mark.parametrize(
    ("script", "two", "three", "plain"),
    [
        ([SELECT, UPDATE, INSERT], 6, 63, 16),
        (["BEGIN", SELECT, UPDATE, INSERT, "COMMIT"], 6, 57, 24),
        (["BEGIN", f"{SELECT} FOR UPDATE", UPDATE, INSERT, "COMMIT"], 6, 54, 8),
        ([f"{UPDATE} AND stock > 0", INSERT], 4, 36, 6),
        (ABSENT, 4, 21, 6),
    ],
)
def test_counts(
    server: Postgres, tmp_path: Path, script: list[str], two: int, three: int, plain: int
) -> None:
    reduced, everything = explored(server, tmp_path, [script] * 2, SourceDpor(), Exhaustive())
    assert reduced.outcomes == everything.outcomes
    assert (reduced.counted, len(reduced.classes)) == (two, two)
    assert everything.runs == plain
    (reduced,) = explored(server, tmp_path, [script] * 3, SourceDpor())
    assert (reduced.counted, len(reduced.classes)) == (three, three)


def test_serializable_with_a_retry(server: Postgres, tmp_path: Path) -> None:
    script = ["retry", SERIALIZABLE, SELECT, UPDATE, INSERT, "COMMIT"]
    reduced, everything = explored(server, tmp_path, [script] * 2, SourceDpor(), Exhaustive())
    assert reduced.outcomes == everything.outcomes
    assert reduced.counted <= 16


@pytest.mark.parametrize("level", ["", SERIALIZABLE])
def test_statements_that_a_pool_prepares_as_it_goes(server: Postgres, tmp_path: Path, level: str) -> None:
    # To prepare one inside a transaction that keeps its snapshot is to take that: a step, the first time.
    script = ["prepared", *([level] if level else []), SELECT, UPDATE, *(["COMMIT"] if level else [])]
    (reduced,) = explored(server, tmp_path, [["retry", *script]] * 2, SourceDpor())
    assert reduced.counted == len(reduced.classes)


@pytest.mark.parametrize("conditional", [True, False])
def test_a_transaction_up_to_a_sync(server: Postgres, tmp_path: Path, conditional: bool) -> None:
    script = ["pipeline", SELECT if conditional else "SELECT sum(stock) FROM items", UPDATE, INSERT]
    reduced, everything = explored(server, tmp_path, [script] * 2, SourceDpor(), Exhaustive())
    assert reduced.outcomes == everything.outcomes
    assert set(reduced.classes) == set(everything.classes)
    assert reduced.counted == len(everything.classes)


VIEWS = [
    "CREATE VIEW goods AS SELECT id AS number, stock FROM items",
    "CREATE VIEW missing AS SELECT number FROM goods WHERE stock < 1",
]
PARTITIONS = [
    "DROP TABLE items; CREATE TABLE items (id int PRIMARY KEY, stock int) PARTITION BY RANGE (id)",
    "CREATE TABLE low PARTITION OF items FOR VALUES FROM (0) TO (2)",
    "CREATE TABLE high PARTITION OF items DEFAULT",
]


@pytest.mark.parametrize(
    ("tables", "scripts", "classes"),
    [
        (VIEWS, [["if SELECT count(*) = 0 FROM missing", UPDATE], ["UPDATE goods SET stock = 0"]], 3),
        (VIEWS, [["SELECT count(*) FROM missing"], ["INSERT INTO accounts VALUES ('a', 1)"]], 1),
        (PARTITIONS, [[SELECT, UPDATE], ["UPDATE low SET stock = 0", "DELETE FROM high"]], 5),
        (PARTITIONS, [[SELECT, "UPDATE items SET id = 5 WHERE id = 1"], ["SELECT count(*) FROM high"]], 2),
    ],
)
def test_what_is_behind_a_name(
    server: Postgres, tmp_path: Path, tables: list[str], scripts: list[list[str]], classes: int
) -> None:
    reduced, everything = explored(server, tmp_path, scripts, SourceDpor(), Exhaustive(), tables=tables)
    assert reduced.outcomes == everything.outcomes
    assert (reduced.counted, len(everything.classes)) == (classes, classes)


def generated(seed: int) -> list[list[str]]:
    """Two or three short handlers over few rows, in all kinds of transaction."""
    chance = random.Random(seed)
    way = WAYS[seed // 5]
    actors = chance.choice((2, 2, 3))

    def statement() -> str:
        row = chance.randint(1, 2)
        # Of two that wait for one uncommitted INSERT the server itself chooses who is next.
        among = [s for s in STATEMENTS if actors == 2 or not s.startswith("INSERT INTO items")]
        template = chance.choice(among)
        return template.replace(":a", str(row)).replace(":c", str(row + 2)).replace(":d", str(row + 3))

    def handler() -> list[str]:
        body = [statement() for _ in range(chance.randint(1, 2 if actors == 3 else 3))]
        begin = chance.choice(BEGINS)
        end = chance.choice(("COMMIT", "COMMIT", "COMMIT", "ROLLBACK")) if begin else ""
        return [*way, begin, *body, end] if begin else [*way, *body]

    return [handler() for _ in range(actors)]


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4, 5, 10, 11])
def test_no_outcome_is_lost(server: Postgres, tmp_path: Path, seed: int) -> None:
    scripts = generated(seed)
    tables = [[], [POINTING], [f"{POINTING} ON DELETE CASCADE ON UPDATE CASCADE"]][seed % 3]
    # Twice: the second one begins with what was learned about the columns that tell rows.
    first, everything, reduced = explored(
        server, tmp_path, scripts, SourceDpor(), Exhaustive(), SourceDpor(), tables=tables
    )
    assert first.outcomes == reduced.outcomes == everything.outcomes, scripts
    assert set(reduced.classes) == set(everything.classes), scripts
    assert reduced.runs <= 2 * len(everything.classes), scripts
