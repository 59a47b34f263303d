"""The reference cases of the reproduction number, read once from the shared material."""

import json
from functools import cache
from typing import Any

import numpy as np
import polars as pl

from shared import shared
from tocsin.estimate import interval
from tocsin.types import Floats


@cache
def cases() -> list[dict[str, Any]]:
    return json.loads(shared("goldens/rt/cases.json").read_text("utf-8"))["cases"]


@cache
def tables(name: str) -> dict[str, pl.DataFrame]:
    frame = pl.read_csv(shared(f"goldens/rt/{name}"), infer_schema_length=None)
    return {str(key[0]): part for key, part in frame.partition_by("case", as_dict=True).items()}


def numbers(table: pl.DataFrame, *columns: str) -> Floats:
    """One column (n,) or several (n, c) as floats, empty cells NaN."""
    found = [table[c].cast(pl.Float64).fill_null(np.nan).to_numpy() for c in columns]
    return found[0] if len(found) == 1 else np.stack(found, axis=1)


def weights(case: dict[str, Any]) -> Floats:
    if case["method"] == "parametric_si":
        return interval.discretised(case["mean_si"], case["std_si"], case["T"])
    return numbers(tables("si.csv")[case["id"]], "w")


def counts(case: dict[str, Any]) -> tuple[Floats, Floats | None]:
    table = tables("incidence.csv")[case["id"]]
    return numbers(table, "local"), numbers(table, "imported") if case["imported_given"] else None


def windows(case: dict[str, Any]) -> Any:
    return np.stack([case["t_start"], case["t_end"]], axis=1)
