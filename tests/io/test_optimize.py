"""What cargo is told to optimise, and who has the last word."""

import pytest

from deadheat.io.optimize import REQUEST_PATH, profile

RUNTIME = "profile.dev.package.deadheat-probe.opt-level=2"


def told(manifest: bytes, *, optimize: bool = True) -> list[str]:
    arguments = list(profile("shop", "deadheat-probe", manifest, optimize=optimize))
    assert arguments[::2] == ["--config"] * (len(arguments) // 2)
    return arguments[1::2]


def test_the_path_of_a_request_is_optimised() -> None:
    levels = dict.fromkeys(REQUEST_PATH, 2) | {"shop": 1}
    wanted = [f"profile.dev.package.{crate}.opt-level={level}" for crate, level in levels.items()]
    assert told(b"[package]\nname = 'shop'\n[profile.dev]\ndebug = 1\n") == [RUNTIME, *wanted]


def test_nothing_else_where_a_quick_build_is_wanted() -> None:
    assert told(b"", optimize=False) == [RUNTIME]


@pytest.mark.parametrize(
    "manifest",
    [b"[profile.dev]\nopt-level = 3\n", b"[profile.dev.package.'*']\nopt-level = 3\n"],
)
def test_a_manifest_that_says_how_far_decides(manifest: bytes) -> None:
    assert told(manifest) == [RUNTIME]


@pytest.mark.parametrize(
    "manifest", [b"profile = 3", b"[profile]\ndev = 1", b"[profile.dev]\npackage = 1", b"[\xff"]
)
def test_an_odd_manifest_is_for_cargo_to_refuse(manifest: bytes) -> None:
    assert len(told(manifest)) > 1
