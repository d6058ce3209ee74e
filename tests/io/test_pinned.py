"""What is said when the application pins a crate that the probes need a later version of."""

from deadheat.io.cargo import pinned_apart

SAID = """    Updating the index
error: failed to select a version for `tokio`.
    ... required by package `deadheat-probe v0.1.0 (/x/deadheat-probe)`
    ... which satisfies path dependency `deadheat-probe` of package `pin v0.1.0 (/x/tree)`
versions that meet the requirements `^1.41` are: 1.54.1, 1.41.0

all possible versions conflict with previously selected packages.

  previously selected package `tokio v1.38.1`
    ... which satisfies dependency `tokio = "=1.38.1"` of package `pin v0.1.0 (/x/tree)`
"""


def test_it_names_the_crate_what_is_needed_and_what_is_pinned() -> None:
    assert pinned_apart(SAID) == (
        "the probes need tokio 1.41 or later, and tokio 1.38.1 is pinned; let Cargo.toml take a later tokio"
    )


def test_a_conflict_of_the_applications_own_is_not_ours() -> None:
    assert pinned_apart(SAID.replace("package `deadheat-probe v0.1.0", "package `other v0.1.0")) is None
