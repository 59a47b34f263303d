"""The outputs of R surveillance, as panels and arrays: read from the shared reference material. I/O."""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl

from shared import shared
from tocsin.detect import panel
from tocsin.types import Floats, Panel

WEEK = "1w"


@dataclass(frozen=True)
class Case:
    """One run: what was monitored with which settings, and what R said, every column (N, H)."""

    name: str
    detector: str
    panel: Panel
    start: int
    control: dict[str, Any]
    columns: dict[str, Floats]
    alpha: float | None  # as R estimated it (glrnb)


def cases(detector: str) -> list[str]:
    """The ids of a method's runs; [] where the reference material is absent."""
    return [c["id"] for c in _cases().values() if c["detector"] == detector]


@lru_cache(maxsize=8)
def case(name: str) -> Case:
    meta = _cases()[name]
    first, last = meta["range"]
    data = _table(f"data/{meta['dataset']}.csv")
    units = data["unit"].unique(maintain_order=True).to_list()
    y = _wide(data, "observed", units)[:, :last]
    dates = data.filter(pl.col("unit") == units[0])["date"].to_list()
    out = _table(f"out/{name}.csv")
    shown = out["unit"].unique(maintain_order=True).to_list()
    rows = [units.index(u) for u in shown]
    columns = {c: _wide(out, c, shown) for c in out.columns if c not in {"unit", "t", "date"}}
    seen = panel(y[rows], first=dates[0] or "2001-01-01", step=WEEK)
    return Case(name, meta["detector"], seen, first - 1, meta["control"], columns, meta["alpha_estimated"])


def equal(ours: Floats, theirs: Floats, relative: float = 1e-9, absolute: float = 1e-12) -> None:
    """Missing in the same cells, and the same numbers to the relative tolerance."""
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
    np.testing.assert_allclose(ours, theirs, rtol=relative, atol=absolute)


@lru_cache(maxsize=1)
def _cases() -> dict[str, Any]:
    try:
        found = shared("goldens/surveillance/cases.json")
    except BaseException:  # the tests themselves say that it is absent
        return {}
    return {c["id"]: c for c in json.loads(found.read_text())["cases"]}


@lru_cache(maxsize=4)
def _table(path: str) -> pl.DataFrame:
    table = pl.read_csv(shared(f"goldens/surveillance/{path}"), infer_schema_length=0)
    texts = {"unit", "date"}
    return table.with_columns(pl.col(c).cast(pl.Float64) for c in table.columns if c not in texts)


def _wide(table: pl.DataFrame, column: str, units: list[str]) -> Floats:
    return np.array([table.filter(pl.col("unit") == u)[column].to_numpy() for u in units], dtype=np.float64)
