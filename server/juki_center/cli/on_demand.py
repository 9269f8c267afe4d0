"""A command line whose commands are imported when they are asked for: help and typos cost nothing.

What stands in the list of commands is their names and one sentence each.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(frozen=True, slots=True)
class Part:
    """A command, or a group of commands: its name, where it is, and the first sentence of its help.

    `attribute` of the module is a typer.Typer, or the function of a single command.
    """

    name: str
    module: str
    attribute: str
    help: str

    def load(self, package: str) -> TyperCommand | TyperGroup:
        """Import the module of the package, and return what the part stands for."""
        found = getattr(import_module(f"{package}.{self.module}"), self.attribute)
        _collect_from_now_on()
        app = found if isinstance(found, typer.Typer) else _of_function(found)
        command = get_command(app)
        command.name = self.name
        return command  # type: ignore[return-value]  # typer says less than it gives


def group_of(package: str, parts: Iterable[Part]) -> type[TyperGroup]:
    """Return the class of a group that has these parts, in their order."""
    by_name = {part.name: part for part in parts}

    class OnDemand(TyperGroup):
        def __init__(self, **settings: object) -> None:
            super().__init__(**settings)  # type: ignore[arg-type]  # what typer itself hands on
            for part in by_name.values():
                self.add_command(TyperCommand(name=part.name, help=part.help))

        def resolve_command(  # type: ignore[override]  # the group's own types are private
            self, ctx: typer.Context, args: list[str]
        ) -> tuple[str | None, TyperCommand | TyperGroup | None, list[str]]:
            name, _, rest = super().resolve_command(ctx, args)
            return name, by_name[name].load(package) if name else None, rest

    return OnDemand


def _collect_from_now_on() -> None:
    """Let garbage be looked for again: nothing of what importing made is any."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def _of_function(function: Callable[..., object]) -> typer.Typer:
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(function)
    return app
