"""What a record's complaint and diagnosis columns say, as the source's signals. Pure."""

from functools import lru_cache
from typing import Any

from tocsin import config
from tocsin.errors import ConfigError
from tocsin.ingest.syndromes import Syndromes, shipped
from tocsin.ingest.values import text

EVERY = "*"  # every record, whatever it says


class Classifier:
    """A source's `classify` table made ready. ConfigError names the syndrome that nobody defines."""

    def __init__(self, table: config.Classify, source: str) -> None:
        self.signals = table.signals  # syndrome → signal
        self.text = [table.text] if isinstance(table.text, str) and table.text else list(table.text)
        self.codes = [table.codes] if isinstance(table.codes, str) and table.codes else list(table.codes)
        self.columns = (*self.text, *self.codes)
        known = made(tuple(tuple(t) for t in table.terms))
        unknown = sorted(set(table.signals) - known.names - {EVERY})
        if unknown:
            there = ", ".join(sorted(known.names))
            raise ConfigError(
                f"sources.{source}.mapping.classify.signals: {unknown[0]!r} is no syndrome; there are: *, {there}"
            )
        self.found = known.found

    def signals_of(self, cells: dict[str, Any]) -> set[str]:
        """The signals of all syndromes that the record's texts and codes speak of."""
        said = "\n".join(text(cells.get(c)) for c in self.text)
        coded = " ".join(text(cells.get(c)) for c in self.codes)
        found = self.found(said, coded)
        return {signal for name, signal in self.signals.items() if name in found or name == EVERY}


@lru_cache(maxsize=64)
def made(terms: tuple[tuple[str, ...], ...]) -> Syndromes:
    """The shipped table with a city's own terms after it."""
    return Syndromes([*shipped(), *terms])
