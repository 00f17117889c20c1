"""``rolecall query``."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap
from typing import Any

import click

from rolecall.commands.answer_notes import note_scan
from rolecall.commands.options import (
    deadline_option,
    output_options,
    stale_option,
    target_options,
)
from rolecall.errors import UsageError
from rolecall.output.formats import write
from rolecall.project.analyses import analyses
from rolecall.queries.request import Inquiry
from rolecall.settings import load_settings
from rolecall.text import note, say


@click.command()
@click.argument("name", required=False)
@click.option(
    "--param", "params", multiple=True, metavar="KEY=VALUE", help="A parameter of the query."
)
@click.option(
    "--allow-files",
    is_flag=True,
    help="Let a .sql file read files of this machine too, such as with read_csv.",
)
@stale_option
@target_options
@deadline_option
@output_options
def query(
    name: str | None,
    params: tuple[str, ...],
    allow_files: bool,
    stale: bool,
    format_: str,
    output: Path | None,
    **flags: Any,
) -> None:
    """Run a query of the project by name, or a .sql file; without NAME, list the queries.

    A query asks: SELECT, EXPLAIN, DESCRIBE and SHOW alone run. On the local target it reads the
    database and the logs, no other file and no network; on Athena what your rights allow.
    """
    if name is None:
        say(*_query_list())
        return
    settings = load_settings(**flags)
    inquiry = Inquiry(settings, allow_files=allow_files)
    given = dict(_pair(param) for param in params)
    result, notes = inquiry.answer_with_notes(name, given, is_stale_fine=stale)
    if allow_files:
        note("The query could read every file that you may read: --allow-files.")
    note(*notes)
    note_scan(*inquiry.answers)
    write(result, format_, output, settings.zone)


def _pair(param: str) -> tuple[str, str]:
    key, equals, value = param.partition("=")
    if not equals or not key:
        raise UsageError(f"--param {param!r} is not of the form KEY=VALUE.")
    return key, value


def _query_list() -> list[str]:

    lines: list[str] = []
    for analysis in analyses().values():
        lines += [""] if lines else []
        lines.append(analysis.name)
        lines += wrap(analysis.description, 78, initial_indent="  ", subsequent_indent="  ")
        for parameter in analysis.parameters.values():
            needed = " (needed)" if parameter.required else ""
            if parameter.required_unless:
                needed = f" (needed without {parameter.required_unless})"
            lines += wrap(
                f"--param {parameter.name}=  {parameter.description}{needed}",
                78,
                initial_indent="    ",
                subsequent_indent="        ",
            )
    return lines
