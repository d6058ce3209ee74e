"""The options of the search: the command line wins over deadheat.toml, and contradictions are refused."""

import click
import pytest

from deadheat.cli.search import Sought, sought
from deadheat.model.config import Explore


def test_what_is_not_asked_for_stays_as_configured() -> None:
    given = Explore(budget=7, strategy="pos", seed=3)
    assert Sought().limits(given) == given
    asked = Sought("surw", 9, None, 5).limits(given)
    assert (asked.strategy, asked.budget, asked.bound, asked.seed) == ("surw", 9, None, 5)


def test_the_command_that_does_it_again() -> None:
    assert Sought().words == []
    words = ["--strategy", "pct", "--budget", "9", "--seed", "2"]
    assert sought("pct", 9, None, 2).words == words
    assert sought(None, None, 0, 0).words == ["--bound", "0"]


def test_a_sampler_keeps_no_bound() -> None:
    with pytest.raises(click.UsageError, match="leave out --strategy pct"):
        sought("pct", None, 1, 0)
    assert sought("auto", None, 1, 0).bound == 1
