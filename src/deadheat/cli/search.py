"""Options of the search: which strategy, how many schedules, how many preemptions."""

from collections.abc import Callable
from typing import TypeVar, get_args

import click
import msgspec
from msgspec import Struct

from deadheat.model.config import Explore, Search

Command = TypeVar("Command", bound=Callable[..., object])

_OPTIONS = (
    click.option(
        "--strategy",
        type=click.Choice(get_args(Search)),
        help="How orders are searched for: auto exhausts them where the budget lets it and else samples too;"
        " pct, surw, pos and walk only sample  [default: auto].",
    ),
    click.option("--budget", type=click.IntRange(1), help="So many schedules  [default: 100000]."),
    click.option(
        "--bound", type=click.IntRange(0), help="Only orders with so many preemptions, the fewest first."
    ),
)


class Sought(Struct, frozen=True):
    """What was asked for on the command line; None, and seed 0, leaves it to deadheat.toml."""

    strategy: Search | None = None
    budget: int | None = None
    bound: int | None = None
    seed: int = 0

    def limits(self, given: Explore) -> Explore:
        """Let it win over what was `given`."""
        changes = {
            "strategy": self.strategy,
            "budget": self.budget,
            "bound": self.bound,
            "seed": self.seed or None,
        }
        return msgspec.structs.replace(given, **{k: v for k, v in changes.items() if v is not None})

    @property
    def words(self) -> list[str]:
        """The options that say the same."""
        given = (("--strategy", self.strategy), ("--budget", self.budget), ("--bound", self.bound))
        words = [word for name, value in given if value is not None for word in (name, str(value))]
        return [*words, "--seed", str(self.seed)] if self.seed else words


def search_options(command: Command) -> Command:
    """Add the options that `sought` puts together."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def sought(strategy: str | None, budget: int | None, bound: int | None, seed: int) -> Sought:
    """Put the options together.

    Raises:
        click.UsageError: a sampler was asked to keep to a number of preemptions.
    """
    chosen = next((word for word in get_args(Search) if word == strategy), None)
    if bound is not None and strategy not in {None, "auto"}:
        raise click.UsageError(
            f"--bound is a search of its own, the fewest preemptions first: leave out --strategy {strategy}"
        )
    return Sought(chosen, budget, bound, seed)
