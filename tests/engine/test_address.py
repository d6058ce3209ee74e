"""Where a store is, by the environment or by Rocket's configuration."""

from pathlib import Path

import pytest

from deadheat.engine.statements.address import Address, found
from deadheat.model import DeadheatError

CACHE, OTHER = "redis://localhost:7000", "redis://127.0.0.1:7001"


def test_the_variable_wins_and_names_of_the_same_place_follow(tmp_path: Path) -> None:
    given = f'{{cache={{url="{CACHE}/1"}}, other={{url="{OTHER}"}}, shop={{url="postgres://me@localhost:7000/x"}}}}'
    environment = {"REDIS_URL": "redis://127.0.0.1:7000", "ROCKET_DATABASES": given}
    assert found("REDIS_URL", ("redis",), environment, tmp_path) == Address(
        "redis://127.0.0.1:7000", {"cache": f"{CACHE}/1"}
    )


def test_one_of_the_configuration_is_enough(tmp_path: Path) -> None:
    (tmp_path / "Rocket.toml").write_text(f'[default.databases.cache]\nurl = "{CACHE}"\n')
    assert found("REDIS_URL", ("redis",), {}, tmp_path) == Address(CACHE, {"cache": CACHE})


@pytest.mark.parametrize("databases", ["{}", f'{{a={{url="{CACHE}"}}, b={{url="{OTHER}"}}}}'])
def test_none_or_several_are_refused(tmp_path: Path, databases: str) -> None:
    with pytest.raises(DeadheatError, match="REDIS_URL is not set"):
        found("REDIS_URL", ("redis",), {"ROCKET_DATABASES": databases}, tmp_path)
