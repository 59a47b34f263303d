"""Write the reference pages that the program itself knows best; a test says when they are stale. I/O."""

import typing
from pathlib import Path
from typing import Any

import click
import msgspec

from tocsin import cli
from tocsin.config import Settings
from tocsin.detect import DETECTORS

HERE = Path(__file__).parent / "reference"


def commands() -> str:
    """Every command with its help, as people see it."""
    out = ["# Commands", "", "Every command works on a city directory: `--city DIR`, by default the current one.", ""]
    group = cli._tocsin
    assert isinstance(group, click.Group)
    for name, line in cli.COMMANDS.items():
        command = group.get_command(click.Context(group), name)
        assert command is not None
        names = ["-h", "--help"]  # as the program itself sets them
        command._help_option = None  # click keeps the names of whoever asked first
        context = click.Context(command, info_name=f"tocsin {name}", terminal_width=100, help_option_names=names)
        out += [f"## `tocsin {name}`", "", line, "", "```text", command.get_help(context).rstrip(), "```", ""]
        for inner, part in command.commands.items() if isinstance(command, click.Group) else ():
            part._help_option = None
            one = click.Context(part, info_name=f"tocsin {name} {inner}", terminal_width=100, help_option_names=names)
            out += ["```text", part.get_help(one).rstrip(), "```", ""]
    return "\n".join(out)


def settings() -> str:
    """Every table of city.toml with its keys, types and defaults."""
    out = ["# Settings: city.toml", "", "`tocsin init` writes a commented example; these are all tables and keys.", ""]
    for table in _tables(Settings):
        out += [
            f"## {table.__name__}",
            "",
            (table.__doc__ or "").strip(),
            "",
            "| key | type | default |",
            "|---|---|---|",
        ]
        for field in msgspec.structs.fields(table):
            default = "required" if field.required else f"`{_default(field)!r}`"
            out.append(f"| `{field.encode_name}` | {_type(field.type)} | {default} |")
        out.append("")
    return "\n".join(out)


def detectors() -> str:
    """Every detector with its parameters and source."""
    about = "What to take where nothing speaks for another is marked **default**; the others are as published."
    out = ["# Detectors", "", about, "", "| name | judges | parameters and defaults | source |", "|---|---|---|---|"]
    for d in DETECTORS.values():
        given = ", ".join(f"`{k}={v!r}`" for k, v in d.allowed().items()) or "none"
        rule = "; a rule: its threshold alone opens an alert" if d.rule else ""
        name = f"`{d.name}`, **default**" if d.default else f"`{d.name}`"
        out.append(f"| {name} | {', '.join(d.kinds)}{rule} | {given} | {d.cite} |".replace("\n", " "))
    return "\n".join([*out, ""])


PAGES = {"commands.md": commands, "settings.md": settings, "detectors.md": detectors}


def _tables(struct: Any) -> list[Any]:
    found = [struct]
    for hint in typing.get_type_hints(struct).values():
        for part in _parts(hint):
            if isinstance(part, type) and issubclass(part, msgspec.Struct) and part not in found:
                found += [t for t in _tables(part) if t not in found]
    return found


def _parts(hint: Any) -> list[Any]:
    return [hint, *(p for a in typing.get_args(hint) for p in _parts(a))]


def _type(hint: Any) -> str:
    text = str(hint) if typing.get_args(hint) else getattr(hint, "__name__", str(hint))
    return "`" + text.replace("tocsin.config.", "").replace("typing.", "").replace("|", "\\|") + "`"


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default is not msgspec.NODEFAULT:
        return field.default
    return field.default_factory() if callable(field.default_factory) else None


if __name__ == "__main__":
    for name, page in PAGES.items():
        (HERE / name).write_text(page(), "utf-8")
