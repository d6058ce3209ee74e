"""Where an application's store is: what the user's environment and Rocket's configuration say.

Owns the choice among them. It must not know how a store is stood before.
"""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from deadheat.io import rocket_databases
from deadheat.model import DeadheatError


class Address(Struct, frozen=True):
    """The URL of a store, and by name the databases of Rocket's configuration that lead to it, too."""

    url: str
    databases: Mapping[str, str] = {}


def found(variable: str, schemes: tuple[str, ...], environment: Mapping[str, str], folder: Path) -> Address:
    """Find it in `variable` of the environment, else in Rocket's configuration as read from `folder`.

    Raises:
        DeadheatError: it is in neither, or the configuration names several.
    """
    named = rocket_databases.urls(environment, folder)
    fitting = {name: url for name, url in named.items() if urlsplit(url).scheme in schemes}
    url = environment.get(variable)
    if not url:
        if len(set(fitting.values())) != 1:
            several = f": Rocket's configuration has {', '.join(sorted(fitting))}" if fitting else ""
            raise DeadheatError(
                f"{variable} is not set: the proxy has to know where the database is{several}"
            )
        (url,) = set(fitting.values())
    return Address(url, {name: own for name, own in fitting.items() if _place(own) == _place(url)})


def _place(url: str) -> tuple[str | None, int | None]:
    parts = urlsplit(url)
    host = parts.hostname
    return "127.0.0.1" if host == "localhost" else host, parts.port
