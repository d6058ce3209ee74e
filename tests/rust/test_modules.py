"""The module graph and what names mean."""

from deadheat.rust import SourceTree, read
from tests.rust.programs import accesses, program

HANDLER = """
#[rocket::get("/")]
fn hit(hits: &rocket::State<{type}>) {{ *hits.{field}.lock().unwrap() += 1; }}
"""


def test_files_modules_renames_globs_and_reexports() -> None:
    found = program(
        {
            "src/main.rs": "mod state; mod web; use state::*;\nfn main() {}",
            "src/state.rs": "mod inner; pub use inner::Hits as Counter;",
            "src/state/inner.rs": "use std::sync::Mutex as M; pub struct Hits { pub n: M<u32> }",
            "src/web/mod.rs": "use crate::state::Counter; pub mod api;"
            + HANDLER.format(type="Counter", field="n"),
            "src/web/api.rs": "use super::super::state as s;"
            "#[rocket::get('/')] fn other(h: &rocket::State<s::Counter>) { h.n.lock().unwrap(); }".replace(
                "'", '"'
            ),
        }
    )
    assert accesses(found, "hit") == [("acquire", "Counter.n"), ("rmw", "Counter.n")]
    assert [handler.id for handler in found.review.handlers] == ["app::web::hit", "app::web::api::other"]
    assert len({access.state for access in found.review.accesses}) == 1


def test_one_name_in_two_modules_is_two_states() -> None:
    found = program(
        "mod a { use std::sync::Mutex; pub struct S { pub m: Mutex<u32> }"
        + HANDLER.format(type="S", field="m")
        + "}\n"
        "mod b { use std::sync::Mutex; pub struct S { pub m: Mutex<u32> }"
        + HANDLER.format(type="S", field="m")
        + "}"
    )
    assert [state.id for state in found.review.states] == ["app::a::S.m", "app::b::S.m"]


def test_workspace_crates_resolve() -> None:
    manifest = '[package]\nname = "{}"\nversion = "0.1.0"\nedition.workspace = true\n'
    found = read(
        SourceTree(
            "web",
            {
                "Cargo.toml": b'[workspace]\nmembers = ["*"]\n[workspace.package]\nedition = "2024"\n',
                "web/Cargo.toml": (
                    manifest.format("web") + '[dependencies]\nrocket.version = "0.5"\n'
                ).encode(),
                "shop-state/Cargo.toml": manifest.format("shop-state").encode(),
            },
            {
                "web/src/main.rs": (
                    "use shop_state::Hits;" + HANDLER.format(type="Hits", field="n")
                ).encode(),
                "shop-state/src/lib.rs": b"pub struct Hits { pub n: std::sync::Mutex<u32> }",
            },
        )
    )
    assert [state.id for state in found.review.states] == ["shop_state::Hits.n"]
    assert found.modules.editions == {"web": 2024, "shop_state": 2024}


def test_tests_are_no_roots() -> None:
    found = program(
        "use std::sync::Mutex; static M: Mutex<u32> = Mutex::new(0);\n"
        "#[cfg(test)] mod tests { use super::*; #[test] fn t() { *M.lock().unwrap() = 1; } }"
    )
    assert found.sites == ()
    assert [state.path for state in found.review.states] == ["M"]
