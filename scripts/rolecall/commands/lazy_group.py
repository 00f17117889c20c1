"""A group that loads a command when it is called (click, "Lazily loading subcommands")."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """A group whose commands are the functions of that name in ``rolecall.commands.NAME``.

    ``first_sentences`` has the first sentence of each command's help: the help of the group shows
    them and loads no command.
    """

    def __init__(self, *args: Any, first_sentences: Mapping[str, str], **more: Any) -> None:
        super().__init__(*args, **more)
        self._first_sentences = first_sentences

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted({*super().list_commands(ctx), *self._first_sentences})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, loaded if need be, None if there is none of that name."""
        if cmd_name not in self._first_sentences:
            return super().get_command(ctx, cmd_name)
        command = getattr(import_module(f"rolecall.commands.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands that stands in the help."""
        stubs = {
            name: click.Command(name, help=sentence)
            for name, sentence in self._first_sentences.items()
        }
        click.Group(commands={**self.commands, **stubs}).format_commands(ctx, formatter)
