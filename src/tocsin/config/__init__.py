"""One TOML file to frozen values; nothing else reads settings. Pure.

`parse` takes the file's text and says, for every mistake, the file, the key and what is allowed. The commented example
that `tocsin init` writes (`init.toml` in the folder above) is the reference for people.
"""

import re
import tomllib
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from tocsin.calendar import Step
from tocsin.config.feeds import allowed_feeds
from tocsin.config.problems import problems
from tocsin.config.tables import (
    OWN_TIME,
    AlertRules,
    AreaField,
    AreaFiles,
    City,
    Classify,
    Field,
    Format,
    IntervalTable,
    OutbreakTable,
    OutcomeTable,
    RecordMap,
    ScanTable,
    Settings,
    SignalTable,
    SourceTable,
    StoreTable,
    TravelTable,
    scannable,
    titled,
)
from tocsin.errors import ConfigError

__all__ = [
    "OWN_TIME",
    "AlertRules",
    "AreaField",
    "AreaFiles",
    "City",
    "Classify",
    "Field",
    "Format",
    "IntervalTable",
    "OutbreakTable",
    "OutcomeTable",
    "RecordMap",
    "ScanTable",
    "Settings",
    "SignalTable",
    "SourceTable",
    "StoreTable",
    "TravelTable",
    "every_minutes",
    "expand",
    "fill",
    "parse",
    "scannable",
    "titled",
]


def every_minutes(text: str) -> int:
    """A source's cadence in minutes, 0 for none."""
    return Step.parse(text).minutes if text else 0


def parse(text: str, file: str = "city.toml") -> Settings:
    """The settings of a city file; ConfigError names the file, the key and what is allowed."""
    try:
        settings = msgspec.convert(tomllib.loads(text), Settings)
    except tomllib.TOMLDecodeError as e:
        raise ConfigError(f"{file}: not TOML: {e}") from e
    except UnicodeEncodeError as e:
        raise ConfigError(f"{file}: a letter that is none ({e}); save it as UTF-8") from e
    except RecursionError as e:
        raise ConfigError(f"{file}: brackets within brackets, too deep to read; nothing in it needs so many") from e
    except msgspec.ValidationError as e:
        raise ConfigError(f"{file}: {_explain(str(e))}") from e
    for key, problem in problems(settings):
        raise ConfigError(f"{file}: {key}: {problem}")
    return settings


def fill(text: str, env: Mapping[str, str]) -> str:
    """A value of the file with `${NAME:-default}` taken from the environment."""
    return re.sub(r"\$\{(\w+)(?::-([^}]*))?\}", lambda m: env.get(m[1]) or m[2] or "", text)


def store_url(settings: Settings, env: Mapping[str, str]) -> str:
    """Where the store is, "" for a file beside city.toml. ConfigError if the variable that names it is not set.

    Without it the city would begin anew in an empty file, and nobody would be told.
    """
    said = settings.store.url
    found = fill(said, env).strip()
    if said and not found:
        raise ConfigError(f"store.url: {said} is empty; set the environment variable, or take [store] out of city.toml")
    return found


def expand(path: str, base: Path, env: Mapping[str, str]) -> Path:
    """A path of the file, filled; relative to `base`, else to the working folder."""
    found = fill(path, env)
    beside = base / found
    return beside if beside.exists() or not Path(found).exists() else Path(found)


def _explain(message: str) -> str:
    """msgspec's message with the key first and, where a name or choice is wrong, what is allowed."""
    what, _, where = message.partition(" - at ")
    key = where.strip("`").removeprefix("$").removeprefix(".")
    allowed = allowed_feeds() if key.endswith((".feed", ".feed.kind")) else _allowed(key)
    return f"{key or 'the file'}: {what}" + (f"; allowed: {', '.join(allowed)}" if allowed else "")


def _allowed(key: str) -> list[str]:
    """Field names of the table, or choices of the field, at a key such as `signals[...].kind`."""
    at: Any = Settings
    for name in re.sub(r"\[[^]]*\]", "", key).split(".") if key else []:
        hints = typing.get_type_hints(at) if isinstance(at, type) and issubclass(at, msgspec.Struct) else {}
        if name not in hints:
            return []
        at = hints[name]
        at = next((a for a in typing.get_args(at) if isinstance(a, type) and issubclass(a, msgspec.Struct)), at)
    if isinstance(at, type) and issubclass(at, msgspec.Struct):
        return list(at.__struct_encode_fields__)
    return [str(a) for a in typing.get_args(at)] if typing.get_origin(at) is Literal else []
