"""The lab's logic as Python threads, explored by frontrun (`frontrun python` in the peers' environment).

It must not import Deadheat. Prints one line of JSON a measurement: a program, what was measured, and a
number (null: nothing was found).
"""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import frontrun  # type: ignore[import-not-found, unused-ignore]


class Users:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.count = 0
        self.answers: list[str] = []


def visit(users: Users) -> None:
    """Change the count, then read it again for the answer."""
    with users.lock:
        users.count += 1
    with users.lock:
        answer = f"One more: {users.count} active now"
    users.answers.append(answer)


class Counter:
    def __init__(self) -> None:
        self.value = 0
        self.answers: list[str] = []


def increment(counter: Counter) -> None:
    """Load, then store."""
    value = counter.value + 1
    counter.value = value
    counter.answers.append(str(value))


class Coupons:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.used = False
        self.answers: list[str] = []


def redeem(coupons: Coupons) -> None:
    """Check under one lock, act under another."""
    with coupons.lock:
        used = coupons.used
    if used:
        coupons.answers.append("already used")
        return
    with coupons.lock:
        coupons.used = True
    coupons.answers.append("paid 10")


class Accounts:
    def __init__(self) -> None:
        self.checking = threading.Lock()
        self.savings = threading.Lock()
        self.balances = [100, 100]
        self.answers: list[str] = []


def to_savings(accounts: Accounts) -> None:
    with accounts.checking, accounts.savings:
        accounts.balances = [accounts.balances[0] - 10, accounts.balances[1] + 10]


def to_checking(accounts: Accounts) -> None:
    with accounts.savings, accounts.checking:
        accounts.balances = [accounts.balances[0] + 10, accounts.balances[1] - 10]


Right = Callable[[Any], bool]
PROGRAMS: dict[str, tuple[Callable[[], Any], list[Callable[[Any], None]], Right]] = {
    "active-users": (
        Users,
        [visit, visit],
        lambda s: sorted(s.answers) == ["One more: 1 active now", "One more: 2 active now"],
    ),
    "counter": (Counter, [increment, increment], lambda s: sorted(s.answers) == ["1", "2"]),
    "coupons": (Coupons, [redeem, redeem], lambda s: sorted(s.answers) == ["already used", "paid 10"]),
    "deadlock": (Accounts, [to_savings, to_checking], lambda s: True),
}


def tell(program: str, measured: str, value: float | None) -> None:
    print(json.dumps({"program": program, "measured": measured, "value": value}), flush=True)


def main(seconds: float = 3.0) -> None:
    for name, (setup, workers, right) in PROGRAMS.items():
        found = frontrun.explore(setup=setup, workers=workers, invariant=right, reproduce_on_failure=0)
        tell(name, "first", None if found.property_holds else found.num_explored)
    setup, workers, _ = PROGRAMS["active-users"]
    for strategy in ("dpor", "random"):
        executions, began = 0, time.monotonic()
        while time.monotonic() - began < seconds:
            seen = frontrun.explore(
                setup=setup, workers=workers, invariant=lambda s: len(s.answers) == 2, strategy=strategy
            )
            executions += seen.num_explored
        tell("active-users", f"{strategy}, rate", executions / (time.monotonic() - began))


if __name__ == "__main__":
    main()
