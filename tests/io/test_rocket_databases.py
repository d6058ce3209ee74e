"""Databases as Rocket is configured with them: found, and led elsewhere."""

import tomllib
from pathlib import Path

import pytest

from deadheat.io.rocket_databases import VARIABLE, led, urls
from deadheat.model import ProjectError


def test_the_variable_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "Rocket.toml").write_text(
        '[default.databases.cache]\nurl = "redis://localhost"\npool_size = 4\n'
        '[debug.databases.shop]\nurl = "postgres://me@localhost/shop"\n[default]\nport = 1\n'
    )
    inner = tmp_path / "src"
    assert urls({}, inner) == {"cache": "redis://localhost", "shop": "postgres://me@localhost/shop"}
    assert (
        urls({VARIABLE: '{cache={url="redis://127.0.0.1:7000"}}'}, inner)["cache"] == "redis://127.0.0.1:7000"
    )
    assert urls({"ROCKET_CONFIG": str(tmp_path / "none")}, inner) == {}


def test_all_else_stays() -> None:
    given = {VARIABLE: '{cache={url="redis://a", max_connections=4, extensions=["x\\\\y"], tls=true}}'}
    told = tomllib.loads(f"it = {led(given, {'cache': 'redis://b', 'other': 'redis://c'})}")["it"]
    assert told == {
        "cache": {"url": "redis://b", "max_connections": 4, "extensions": ["x\\y"], "tls": True},
        "other": {"url": "redis://c"},
    }


def test_what_is_no_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "Rocket.toml").write_text("[default\n")
    with pytest.raises(ProjectError, match=r"Rocket\.toml is not TOML"):
        urls({}, tmp_path)
    with pytest.raises(ProjectError, match=VARIABLE):
        urls({VARIABLE: "{cache"})
