"""The command line: `deadheat VERB`.

Owns words, exit codes and where results go: standard output carries the result only, progress
goes to standard error. It must not decide anything about races. A verb is one module here and
one line in `VERBS`.
"""

import sys
import traceback

import click

from deadheat import __version__
from deadheat.cli.demo import demo
from deadheat.cli.doctor import doctor
from deadheat.cli.explain import explain
from deadheat.cli.hunt import hunt
from deadheat.cli.lab import lab
from deadheat.cli.options import EXIT_INTERNAL, EXIT_UNUSABLE
from deadheat.cli.replay import replay
from deadheat.cli.scan import scan
from deadheat.cli.schema import schema
from deadheat.model import DeadheatError

VERBS = (demo, scan, hunt, replay, explain, lab, doctor, schema)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="deadheat")
def cli() -> None:
    """Does your Rocket application have a race condition, and can you prove it?

    Start with `deadheat demo` for the whole story, or `deadheat hunt PATH` on your own
    application. Exit codes: 0 clean, 1 findings, 2 usage or configuration, 3 nothing tested or
    inconclusive, 101 a defect of Deadheat.
    """


for _verb in VERBS:
    cli.add_command(_verb)


def main() -> None:
    """Run the command line; map what a user can mend to exit code 2, a defect to 101."""
    try:
        code = cli.main(standalone_mode=False)
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
        click.echo(traceback.format_exc(), err=True)
        click.echo("This is a defect of Deadheat; what the run had found is kept in .deadheat/.", err=True)
        sys.exit(EXIT_INTERNAL)
