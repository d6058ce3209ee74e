"""The command line: `deadheat VERB`.

Owns words, exit codes and where results go: standard output carries the result only, progress
goes to standard error. It must not decide anything about races. A verb is one module here and
one line in `VERBS`.
"""

import gc
import os
import sys
from importlib import import_module

import click

from deadheat import __version__
from deadheat.cli.options import EXIT_INTERNAL, EXIT_UNUSABLE, Last
from deadheat.model import DeadheatError

VERBS = ("demo", "scan", "attack", "hunt", "explore", "replay", "explain", "lab", "init", "doctor", "schema")


class _Verbs(click.Group):
    """Loads a verb when it is called: `scan` in a save hook need not wait for what `attack` imports."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the verbs in the order in which they are explained."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one."""
        if cmd_name not in VERBS:
            return None
        gc.disable()  # what is imported stays: no garbage is made by it
        try:
            module = import_module(f"deadheat.cli.{cmd_name}")
        finally:
            gc.freeze()
            gc.enable()
        command = getattr(module, cmd_name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="deadheat")
def cli() -> None:
    """Does your Rocket application have a race condition, and can you prove it?

    Start with `deadheat demo` for the whole story, or `deadheat hunt PATH` on your own
    application. Exit codes: 0 clean, 1 findings, 2 usage or configuration, 3 nothing tested or
    inconclusive, 101 a defect of Deadheat.
    """


def main() -> None:
    """Run the command line; map what a user can mend to exit code 2, a defect to 101."""
    # A command lives shortly: what it imported is never garbage, and need not be searched when it ends.
    gc.freeze()
    try:
        last = Last()
        code = cli.main(standalone_mode=False, obj=last)
        if last.leftovers:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code if isinstance(code, int) else 0)
        gc.freeze()
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(EXIT_UNUSABLE)
    except DeadheatError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(EXIT_UNUSABLE)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has had enough (`| head`): that is no failure of ours.
        sys.stderr.close()
        sys.exit(0)
    except Exception:  # noqa: BLE001 - the last line of defence maps everything else to 101
        import traceback

        click.echo(traceback.format_exc(), err=True)
        click.echo("This is a defect of Deadheat; what the run had found is kept in .deadheat/.", err=True)
        sys.exit(EXIT_INTERNAL)
