"""The stories: each module is one application, told as its Rust namesake in `lab/rocket/` tells it.

The number given to `lock` is the probe point: what Deadheat writes into a copy of a Rocket
application, these carry by hand.
"""

from collections.abc import Callable
from types import ModuleType

from starlette.applications import Starlette

from deadheat_embedded.apps import active_users, active_users_fixed, deadlock, deadlock_fixed

APPS: dict[str, ModuleType] = {
    "active-users": active_users,
    "active-users-fixed": active_users_fixed,
    "deadlock": deadlock,
    "deadlock-fixed": deadlock_fixed,
}
"""By the names of the lab."""


def build(name: str) -> Starlette:
    """A fresh application; KeyError for a name the lab does not have."""
    make: Callable[[], Starlette] = APPS[name].app
    return make()
