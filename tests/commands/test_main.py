"""The group of commands: its help says of each command what that command's own help begins with."""

from __future__ import annotations

import click
import pytest

from rolecall.commands.main import cli


@pytest.mark.parametrize("columns", [60, 80, 250])
def test_the_list_of_commands_is_that_of_the_loaded_commands(columns: int) -> None:
    context = click.Context(cli)
    loaded: dict[str, click.Command] = {}
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        loaded[name] = command
    expected, listed = (click.HelpFormatter(width=columns) for _ in range(2))
    click.Group(commands=loaded).format_commands(context, expected)
    cli.format_commands(context, listed)
    assert listed.getvalue() == expected.getvalue()
    assert "history" in listed.getvalue()
