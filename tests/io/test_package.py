"""Manifests in the copy, and the choice of package and program."""

import tomllib
from pathlib import Path

import pytest

from deadheat.io.package import (
    Package,
    Target,
    below_the_probes,
    elsewhere,
    locate,
    locked,
    owner,
    runs_in_the_compiler,
    with_probe,
)
from deadheat.model import ProjectError


def package(*targets: Target, default_run: str | None = None) -> Package:
    return Package("shop", "id", "/w/shop/Cargo.toml", targets, default_run)


ONE, TWO = Target("one", ("bin",), "/w/shop/src/one.rs"), Target("two", ("bin",), "/w/shop/src/two.rs")
LIBRARY = Target("shop", ("lib",), "/w/shop/src/lib.rs")


def test_the_only_program_is_chosen() -> None:
    assert package(LIBRARY, ONE).binary(()) == "one"


def test_of_several_the_default_then_the_one_that_builds_a_rocket() -> None:
    assert package(ONE, TWO, default_run="two").binary([Path(LIBRARY.src_path)]) == "two"
    assert package(ONE, TWO).binary([Path(ONE.src_path)]) == "one"
    named = Target("shop", ("bin",), "/w/shop/src/main.rs")
    assert package(ONE, named).binary(()) == "shop"


def test_a_default_that_builds_no_rocket_is_passed_over() -> None:
    assert package(ONE, TWO, default_run="two").binary([Path(ONE.src_path)]) == "one"
    server = Target("server", ("bin",), "/w/shop/src/bin/server/main.rs")
    assert package(server, TWO, default_run="two").binary([Path("/w/shop/src/bin/server/app.rs")]) == "server"


def test_an_unclear_choice_says_how_to_mend_it() -> None:
    with pytest.raises(ProjectError, match=r"several programs \(one, two\).*default-run"):
        package(ONE, TWO).binary(())
    with pytest.raises(ProjectError, match="no program to run"):
        package(LIBRARY).binary(())


def test_the_probe_becomes_a_dependency() -> None:
    manifest = b'[package]\nname = "a"\n[dependencies]\nrocket = "0.5"\n[features]\nx = []\n'
    parsed = tomllib.loads(with_probe(manifest, Path('/odd "path')).decode())
    assert parsed["dependencies"]["deadheat-probe"] == {"path": '/odd "path'}
    assert parsed["features"] == {"x": []}


def test_locks_of_parking_lot_are_looked_at_where_they_are_used() -> None:
    manifest = b'[dependencies]\nparking_lot = "0.12"\n'
    parsed = tomllib.loads(with_probe(manifest, Path("/p")).decode())
    assert parsed["dependencies"]["deadheat-probe"]["features"] == ["parking_lot"]


def test_a_package_that_the_probes_are_built_from_is_named() -> None:
    said = """\
error: cyclic package dependency: package `deadheat-probe v0.1.0 (/w/probe)` depends on itself. Cycle:
package `deadheat-probe v0.1.0 (/w/probe)`
    ... which satisfies path dependency `deadheat-probe` of package `rocket v0.5.1 (/w/tree/core lib)`
    ... which satisfies path dependency `rocket` of package `deadheat-probe v0.1.0 (/w/probe)`
    ... which satisfies path dependency `deadheat-probe` of package `app v0.1.0 (/w/tree/app)`
"""
    assert below_the_probes(said) == Path("/w/tree/core lib")
    assert below_the_probes("error: something else") is None


def test_macros_run_in_the_compiler() -> None:
    assert runs_in_the_compiler(b"[lib]\nproc-macro = true\n")
    assert not runs_in_the_compiler(b'[lib]\n[dependencies]\nproc-macro2 = "1"\n')


def test_paths_that_leave_the_tree_become_absolute() -> None:
    manifest = (
        b'[lib]\npath = "src/lib.rs"\n[dependencies]\n'
        b'near = { path = "../near" }\nfar = { version = "1", path="../../far" }\n'
    )
    parsed = tomllib.loads(elsewhere(manifest, Path("/w/shop"), Path("/w")).decode())
    assert parsed["dependencies"] == {"near": {"path": "../near"}, "far": {"version": "1", "path": "/far"}}
    assert parsed["lib"]["path"] == "src/lib.rs"
    assert "workspace" not in parsed


def test_the_root_of_the_copy_is_a_workspace() -> None:
    lone = tomllib.loads(elsewhere(b'[package]\nname = "a"\n', Path("/w"), Path("/w")).decode())
    assert lone["workspace"] == {}
    rooted = b'[workspace]\nmembers = ["a"]\n'
    assert elsewhere(rooted, Path("/w"), Path("/w")) == rooted


def test_a_file_belongs_to_the_nearest_manifest() -> None:
    manifests = ["Cargo.toml", "core/Cargo.toml", "core/macros/Cargo.toml"]
    assert owner("src/main.rs", manifests) == "Cargo.toml"
    assert owner("core/src/lib.rs", manifests) == "core/Cargo.toml"
    assert owner("core/macros/src/lib.rs", manifests) == "core/macros/Cargo.toml"
    assert owner("core/src/lib.rs", ["other/Cargo.toml"]) is None


def test_versions_are_read_from_the_lock_file(tmp_path: Path) -> None:
    assert locked(tmp_path / "Cargo.lock", "tokio") == ()
    text = (
        '[[package]]\nname = "tokio"\nversion = "1.38.0"\n[[package]]\nname = "rocket"\nversion = "0.5.1"\n'
    )
    (tmp_path / "Cargo.lock").write_text(text, "utf-8")
    assert locked(tmp_path / "Cargo.lock", "tokio") == ("1.38.0",)


def test_no_manifest_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"no Cargo\.toml here; name the directory") as raised:
        locate(tmp_path, ())
    assert "\n" not in str(raised.value)


def test_without_cargo_the_scan_still_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Cargo.toml").write_text("", "utf-8")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CARGO", raising=False)
    with pytest.raises(ProjectError, match=r"cargo was not found.*`deadheat scan`"):
        locate(tmp_path, ())


@pytest.mark.rocket
def test_a_manifest_that_cargo_refuses_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "Cargo.toml").write_text("[package]\nname = 7\n", "utf-8")
    with pytest.raises(ProjectError, match="cargo cannot read it: ") as raised:
        locate(tmp_path, ())
    assert "\n" not in str(raised.value)
