"""The answer of ``--explain``: what a finding, or a figure of ``scope_report``, means."""

from __future__ import annotations

from typing import NamedTuple

import click

from explorer.store.figures import FIGURES
from explorer.store.findings import EXPLANATIONS


class Page(NamedTuple):
    """One code."""

    code: str
    severity: str | None
    """What the finding can be reported with; None of a figure."""
    title: str
    sections: dict[str, str]
    """Headings and what is below them."""


def explain(code: str, format_: str) -> None:
    """Print the page of a code, or with ``list`` the names of all; as data, whole pages either way.

    Raises:
        click.UsageError: nothing has that code.
    """
    pages = [Page(page.code, page.severity, page.title, dict(page.sections)) for page in EXPLANATIONS.values()]
    pages.sort()
    pages += [Page(name, None, "a figure of scope_report", dict(page.sections)) for name, page in FIGURES.items()]
    chosen = [page for page in pages if code in ("list", page.code)]
    if not chosen:
        raise click.UsageError(f"there is no finding or figure {code!r}: --explain list names them all")
    if format_ != "table":
        from explorer.cli.output import Table, write

        write(Table(Page._fields, iter([chosen])), format_, {})
    elif code == "list":
        _list(pages)
    else:
        _page(chosen[0])


def _list(pages: list[Page]) -> None:
    findings = [(page.code, page.severity, page.title) for page in pages if page.severity]
    names, severities = (max(len(row[column]) for row in findings) for column in (0, 1))
    for code, severity, title in findings:
        click.echo(f"{code:<{names}}  {severity:<{severities}}  {title}")
    click.echo(f"\nFigures of scope_report: {', '.join(FIGURES)}")


def _page(page: Page) -> None:
    click.echo(f"{page.code} ({page.severity}): {page.title}" if page.severity else f"{page.code}, {page.title}")
    for heading, text in page.sections.items():
        click.echo(f"\n{heading}\n{click.wrap_text(text, 88, '  ', '  ')}")
