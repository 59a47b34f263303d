"""Rates under the null as a table for people, for the documents, and as rows for programs. I/O."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import polars as pl
from rich.table import Table
from rich.text import Text

from tocsin.cli.common import console, plain
from tocsin.detect import nulls
from tocsin.detect.nulls import FalseAlarms, Rate

Told = Mapping[str, Sequence[FalseAlarms]]
GRANTED = 1.2  # what a mid-p may lie over its level at the steps of a discrete distribution


def verdict(rate: Rate, level: float) -> str:
    """liberal: surely more often than granted; cautious: surely less than half as often; fair; or nothing claimed."""
    if math.isnan(rate.value):
        return ""
    if rate.low > GRANTED * level:
        return "liberal"
    return "cautious" if rate.high < level / 2 else "fair"


def print_calibration(title: str, found: Told, levels: Sequence[float]) -> None:
    """One row a method and stratum; red is liberal, yellow cautious."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    table.add_column("method", overflow="fold")
    table.add_column("mean", no_wrap=True)
    for head in ("alarms", *(f"p ≤ {a:g}" for a in levels)):
        table.add_column(head, justify="right", no_wrap=True)
    names = nulls.strata()
    for name, strata in found.items():
        for i, f in enumerate(strata):
            cells = [_cell(f.alarms, ""), *(_cell(r, verdict(r, a)) for r, a in zip(f.p, levels, strict=True))]
            table.add_row("" if i else plain(name), names[f.stratum], *cells)
    console.print(table)


def _cell(rate: Rate, said: str) -> Text:
    if math.isnan(rate.value):
        return Text("–")
    style = {"liberal": "red", "cautious": "yellow"}.get(said, "")
    half = (rate.high - rate.low) / 2
    return Text.assemble((f"{100 * rate.value:.2f}", style), (f" ±{100 * half:.2f}", "dim"))


def rows_of(told: Mapping[str, Told], levels: Sequence[float]) -> list[dict[str, Any]]:
    """Long: series, method, mean (the stratum), what (alarm or p), level, cells, rate, low, high, verdict."""
    names, rows = nulls.strata(), []
    for series, found in told.items():
        for method, strata in found.items():
            for f in strata:
                head = {"series": series, "method": method, "mean": names[f.stratum]}
                rates: list[tuple[str, float | None, int, Rate]] = [("alarm", None, f.cells, f.alarms)]
                rates += [("p", a, f.claims, r) for a, r in zip(levels, f.p, strict=True) if f.claims]
                for what, a, cells, r in rates:
                    said = None if a is None else verdict(r, a)
                    numbers = {"rate": r.value, "low": r.low, "high": r.high}
                    rows.append({**head, "what": what, "level": a, "cells": cells, **numbers, "verdict": said})
    return rows


def markdown(told: Mapping[str, Told], levels: Sequence[float]) -> str:
    """A table for the documents: a row a method, in its cells the rates of the strata."""
    names, out = nulls.strata(), []
    for series, found in told.items():
        seen = sorted({f.stratum for strata in found.values() for f in strata})
        for i, a in enumerate(levels):
            heads = ["method", *(names[s] for s in seen)]
            out += [f"**{series}, p ≤ {a:g}**: percent of steps", "", f"| {' | '.join(heads)} |"]
            out.append("|---" * len(heads) + "|")
            for method, strata in found.items():
                if not any(f.claims for f in strata):
                    continue
                by = {f.stratum: f.p[i] for f in strata}
                out.append(f"| `{method}` | {' | '.join(_said(by.get(s), a) for s in seen)} |")
            out.append("")
    return "\n".join(out)


def _said(rate: Rate | None, level: float) -> str:
    if rate is None or math.isnan(rate.value):
        return "–"
    text = f"{100 * rate.value:.{2 if level >= 0.01 else 3}f}"
    return {"liberal": f"**{text}**", "cautious": f"*{text}*"}.get(verdict(rate, level), text)


def check_rows(path: Path) -> None:
    """Refuse a name that no table can be written by: better said before the work than after."""
    if path.suffix not in (".csv", ".json", ".md", ".parquet"):
        raise click.BadParameter(f"{path}: its name ends in .csv, .parquet, .json or .md", param_hint="--out")


def write_rows(path: Path, rows: list[dict[str, Any]], told: Mapping[str, Told], levels: Sequence[float]) -> None:
    """The rows, or for .md the table of the documents."""
    if path.suffix == ".md":
        path.write_text(markdown(told, levels), encoding="utf-8")
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    else:
        frame = pl.DataFrame(rows, infer_schema_length=None)
        frame.write_parquet(path) if path.suffix == ".parquet" else frame.write_csv(path)
