"""What can go wrong that a person can act on. Pure.

    TocsinError            every message says what to do next; the command prints it and exits with `exit_code`
    ├── ConfigError        city.toml: names the file, the key and what is allowed            (2)
    ├── InputError         a file or request that cannot be read at all                       (3)
    ├── FeedError          a feed that cannot be reached, or that breaks off                  (3)
    ├── StoreError         the store is missing, locked, newer than this program, or damaged  (4)
    ├── MethodError        a method asked for what it cannot do                               (5)
    ├── NotFound           a name that the city does not have                                (1)
    └── NotAllowed         an action that an alert's state does not allow                   (1)

Bad records are not errors: parsers yield `Finding`s. A part of ours that breaks is a `Fault` row, written by the loop.
"""


class TocsinError(Exception):
    """The root: show the message, not the traceback."""

    exit_code = 1


class ConfigError(TocsinError):
    """The city's configuration is not usable."""

    exit_code = 2


class InputError(TocsinError):
    """A file or request cannot be read at all (single bad records become findings instead)."""

    exit_code = 3


class FeedError(TocsinError):
    """A feed cannot be reached, refuses us, or breaks off; what was not acknowledged comes again."""

    exit_code = 3


class StoreError(TocsinError):
    """The store cannot be opened, or refuses what was asked."""

    exit_code = 4


class MethodError(TocsinError):
    """A method was asked for what it cannot do; the message says what to use instead."""

    exit_code = 5


class NotFound(TocsinError):
    """A name that the city does not have; the message lists those it has, or says where to look."""


class NotAllowed(TocsinError):
    """An action that the alert's state does not allow."""

    def __init__(self, message: str, allowed: list[str]) -> None:
        super().__init__(message)
        self.allowed = allowed
