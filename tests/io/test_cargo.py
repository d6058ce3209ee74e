"""From a plan to a binary: copies, caches, and the talk with the compiler."""

import os
import shutil
import tomllib
from pathlib import Path

import msgspec
import pytest

from deadheat.io.cargo import Build
from deadheat.io.cargo import build as build_
from deadheat.model import ProjectError, Site, SiteKind
from deadheat.probe import Plan, plan
from tests.probe.locate import sites

LAB = Path(__file__).parents[2] / "lab" / "rocket"
TARGET = os.environ.get("CARGO_TARGET_DIR", str(LAB / "target"))

PROFILE = '\n[profile.dev]\ndebug = "line-tables-only"\n[profile.dev.package."*"]\ndebug = false\n'
MANIFEST = '[package]\nname = "{}"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\n{}\n'

APPLICATION = """\
use rocket::{get, launch, routes};

struct Odd;

impl Odd {
    fn lock(&self) -> u32 { shared::twice(1) }
}

static ODD: Odd = Odd;

const fn power(base: u32) -> u32 { base.pow(2) }

#[get("/")]
fn index() -> String {
    format!("{} {} {} {:?}", ODD.lock(), power(3), outside::ZERO, spawn_blocking(|text| text.pop()))
}

#[launch]
fn rocket() -> _ {
    rocket::build().mount("/", routes![index])
}

// The closure's parameter has its type from here alone.
fn spawn_blocking<T>(work: impl FnOnce(&mut String) -> T) -> T {
    work(&mut String::from(include_str!("../../../outside/src/lib.rs")))
}
"""
SHARED = """\
use std::sync::atomic::{AtomicU32, Ordering};

static CALLS: AtomicU32 = AtomicU32::new(0);

pub fn twice(n: u32) -> u32 {
    CALLS.fetch_add(1, Ordering::SeqCst);
    2 * n
}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A workspace of two crates, and a third outside of it."""
    root = tmp_path / "work"
    dependencies = 'outside = { path = "../../outside" }\nrocket = "0.5"\nshared = { path = "../shared" }'
    files = {
        "work/Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["app", "shared"]\n' + PROFILE,
        "work/app/Cargo.toml": MANIFEST.format("app", dependencies),
        "work/app/src/main.rs": APPLICATION,
        "work/shared/Cargo.toml": MANIFEST.format("shared", ""),
        "work/shared/src/lib.rs": SHARED,
        "outside/Cargo.toml": MANIFEST.format("outside", ""),
        "outside/src/lib.rs": "pub const ZERO: u32 = 0;\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    shutil.copy(LAB / "Cargo.lock", root)
    return root


@pytest.fixture(autouse=True)
def _shared_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARGO_TARGET_DIR", TARGET)


def build(path: Path, plan: Plan) -> Build:
    """What the compiler says is the same whether it optimises or not."""
    return build_(path, plan, optimize=False)


def planned(root: Path) -> Plan:
    files = ("app/src/main.rs", "shared/src/lib.rs")
    sources = {name: (root / name).read_bytes() for name in files}
    found = [site for name in files for site in sites(name, sources[name])]
    return plan([*found, power(sources[files[0]])], sources)


def power(source: bytes) -> Site:
    """A call in a `const fn`, where no probe can be: only dropping it helps."""
    start = source.index(b"base.pow(2)")
    (template,) = sites("app/src/main.rs", b"base.store(2)")
    return msgspec.structs.replace(
        template, kind=SiteKind.CALL, method="pow", operation="pow", function="app::power",
        call=(start, start + 11), receiver=(start, start + 4), arguments=((start + 9, start + 10),),
    )  # fmt: skip


@pytest.mark.rocket
def test_what_the_compiler_refuses_is_moved_on_or_dropped(project: Path) -> None:
    made = build(project / "app", planned(project))
    forms = {
        made.plan.points[probe.point - 1].operation: probe.wrap.form if probe.wrap else None
        for probe in made.plan.probes
        if probe.point
    }
    # `Odd` is no lock that the runtime knows; a `const fn` takes no probe at all.
    assert forms == {"lock": "hit", "pow": None, "fetch_add": "place"}
    assert (made.kept, made.dropped, made.cached) == (2, 1, False)
    assert [each.wrap.form for each in made.plan.probes if each.wrap and not each.point] == [
        "inherit-body",
        "attach",
    ]
    assert made.binary.is_file()
    assert (project / ".deadheat" / ".gitignore").read_text("utf-8") == "*\n"
    assert not (project / "target").exists()
    # For everybody who builds into this directory the probe crate is the same one, compiled once.
    (copy,) = (project / ".deadheat" / "build" / "app").rglob("app/Cargo.toml")
    needed = tomllib.loads(copy.read_text("utf-8"))["dependencies"]
    assert Path(needed["deadheat-probe"]["path"]).is_relative_to(Path(TARGET).absolute())

    again = build(project / "app" / "Cargo.toml", planned(project))
    assert again == msgspec.structs.replace(made, cached=True)
    # At the root of the workspace it is the member that builds a Rocket.
    assert build(project, planned(project)).binary == made.binary

    source = project / "shared" / "src" / "lib.rs"
    source.write_text(source.read_text("utf-8").replace("2 * n", "3 * n"), "utf-8")
    changed = build(project / "app", planned(project))
    assert (changed.cached, changed.key == made.key) == (False, False)


@pytest.mark.rocket
def test_the_users_own_errors_are_shown_as_theirs(project: Path) -> None:
    source = project / "app" / "src" / "main.rs"
    source.write_text(source.read_text("utf-8").replace("power(3)", "power(true)"), "utf-8")
    with pytest.raises(ProjectError, match="app does not compile, probes or not") as raised:
        build(project / "app", planned(project))
    assert "mismatched types" in str(raised.value)
    assert "--> app/src/main.rs:15:" in str(raised.value)
    assert "deadheat_probe" not in str(raised.value)


@pytest.mark.rocket
def test_an_unknown_dependency_is_told_as_cargo_does(project: Path) -> None:
    manifest = project / "app" / "Cargo.toml"
    text = manifest.read_text("utf-8") + 'missing = { path = "../missing" }\n'
    manifest.write_text(text, "utf-8")
    with pytest.raises(ProjectError, match="missing"):
        build(project / "app", planned(project))


@pytest.mark.rocket
def test_without_a_rocket_there_is_nothing_to_attach_to(project: Path) -> None:
    with pytest.raises(ProjectError, match=r"no call of rocket::build\(\)"):
        build(project / "app", Plan())


def test_no_manifest_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"no Cargo\.toml here"):
        build(tmp_path, Plan())
