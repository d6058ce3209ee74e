"""Which databases a Rocket application takes from its configuration, and how to lead them elsewhere.

Owns Rocket.toml and ROCKET_DATABASES as `rocket_db_pools` reads them (its documentation,
"Configuration"; figment merges the variable into the file, table by table). It must not know what kind
of database is meant, nor who stands before it.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from deadheat.model import ProjectError

VARIABLE = "ROCKET_DATABASES"
_FILE = "Rocket.toml"
_URL = "url"


def urls(environment: Mapping[str, str], *folders: Path) -> dict[str, str]:
    """Give the URL of each database by its name: of the variable, else of the first Rocket.toml.

    Rocket looks for the file in ROCKET_CONFIG, or in the working folder and above; every profile counts.

    Raises:
        ProjectError: the file is no TOML.
    """
    found: dict[str, str] = {}
    for profile in _profiles(environment, folders):
        found.update(_named(profile.get("databases")))
    return {**found, **_named(_given(environment))}


def led(environment: Mapping[str, str], addresses: Mapping[str, str]) -> str:
    """Give ROCKET_DATABASES with these addresses for these names, and everything else as it was."""
    given = _given(environment)
    tables = dict(given) if isinstance(given, dict) else {}
    for name, url in addresses.items():
        own = tables.get(name)
        tables[name] = {**(own if isinstance(own, dict) else {}), _URL: url}
    return _inline(tables)


def _profiles(environment: Mapping[str, str], folders: tuple[Path, ...]) -> list[dict[str, object]]:
    above = [parent / _FILE for folder in folders for parent in (folder, *folder.parents)]
    files = [Path(environment["ROCKET_CONFIG"])] if "ROCKET_CONFIG" in environment else above
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        return []
    try:
        content = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProjectError(f"{file} is not TOML: {error}") from error
    return [profile for profile in content.values() if isinstance(profile, dict)]


def _given(environment: Mapping[str, str]) -> object:
    try:
        return tomllib.loads(f"it = {environment.get(VARIABLE, '{}')}")["it"]
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(f"{VARIABLE} is no inline table of TOML: {error}") from error


def _named(databases: object) -> dict[str, str]:
    if not isinstance(databases, dict):
        return {}
    named = {name: own.get(_URL) for name, own in databases.items() if isinstance(own, dict)}
    return {name: url for name, url in named.items() if isinstance(url, str)}


def _inline(value: object) -> str:
    match value:
        case dict():
            return (
                "{" + ", ".join(f"{_inline(str(name))} = {_inline(own)}" for name, own in value.items()) + "}"
            )
        case list():
            return "[" + ", ".join(map(_inline, value)) + "]"
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case _:
            escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'
