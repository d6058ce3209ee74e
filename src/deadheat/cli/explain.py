"""`deadheat explain`: a rule, told to somebody who has never seen a race."""

from difflib import get_close_matches

import click

from deadheat.cli.output import ascii_only, colour, width
from deadheat.model import DeadheatError
from deadheat.report import explain as page
from deadheat.rules import RULES, Rule, rule_of


@click.command()
@click.argument("rule", required=False)
def explain(rule: str | None) -> None:
    """Explain RULE, by its name or code; without one, list them all."""
    if rule is None:
        for known in RULES.values():
            click.echo(f"{known.code}  {known.name:<28}  {known.summary}")
        return
    found = rule_of(rule)
    if found is None:
        names = [*RULES, *(known.code.lower() for known in RULES.values())]
        near = get_close_matches(rule.lower(), names, 1)
        hint = f"did you mean {near[0]}?" if near else "`deadheat explain` lists them"
        raise DeadheatError(f"no rule is called {rule!r}; {hint}")
    text = page.render(_page(found), width=width(), colour=colour(), ascii_only=ascii_only())
    click.echo(text, nl=False)


def _page(rule: Rule) -> page.RulePage:
    return page.RulePage(
        code=rule.code,
        name=rule.name,
        title=rule.summary,
        severity=rule.severity,
        confidence=rule.confidence,
        explanation=rule.explanation,
        cwe=rule.cwe,
        impact=rule.impact,
        invalid=tuple(page.Example(example.source, example.title) for example in rule.invalid[:1]),
        valid=tuple(page.Example(example.source, example.title) for example in rule.valid[:1]),
        fixes=tuple(f"{fix.title}: {fix.argument}" if fix.argument else fix.title for fix in rule.fixes),
    )
