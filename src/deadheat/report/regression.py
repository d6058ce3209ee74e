"""A schedule as a test of the user's own suite.

Owns the text of that test. It must not know how a schedule is replayed: the test runs
`deadheat replay FILE --or-explore`, which fails while the race is there, and passes once every
order of the same requests is clean.
"""

import re

_RUST = """\
//! {title}
//!
//! Fails while two requests can race as recorded in `{folder}/{stem}.json`, and passes once every
//! order of the same requests is clean. Needs `deadheat` on the PATH.

use std::process::Command;

#[test]
fn {name}() {{
    let root = env!("CARGO_MANIFEST_DIR");
    let output = Command::new("deadheat")
        .args(["replay", "{folder}/{stem}.json", ".", "--or-explore", "--quiet"])
        .current_dir(root)
        .output()
        .expect("`deadheat` could not be run: is it installed?");
    assert!(
        output.status.success(),
        "{{}}{{}}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}}
"""


def test_name(schedule_id: str) -> str:
    """Give the name of the test, and of its file: `race_dh1_f9feeb_ab2a`."""
    return "race_" + re.sub(r"\W+", "_", schedule_id).strip("_").lower()


def rust_test(schedule_id: str, title: str, folder: str, stem: str) -> str:
    """Write the integration test of one schedule, kept as `folder/stem.json` in the package."""
    return _RUST.format(name=test_name(schedule_id), title=title, folder=folder, stem=stem)
