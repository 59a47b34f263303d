"""Performances as a table for people and as rows for programs. I/O."""

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
from tocsin.detect.evaluate import MEASURES, Measure, Performance

SHOWN = {  # measure: its head, short enough for a terminal of 80 columns
    "fpr": "fpr", "pod": "pod", "pod_first": "first", "sensitivity": "sens", "specificity": "spec", "ppv": "ppv",
    "timeliness": "time", "pod_at": "pod at",
}  # fmt: skip
Groups = Sequence[tuple[str, Sequence[Performance]]]


def print_performances(title: str, groups: Groups, level: float) -> None:
    """One row a method (and group): the figure in percent, and below it half the width of its 95 % interval."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    table.add_column("method", overflow="fold")
    for m, head in SHOWN.items():
        table.add_column(f"{head}\n{level:.3g}" if m == "pod_at" else head, justify="right", no_wrap=True, min_width=5)
    for group, found in groups:
        for p in (f for f in found if not f.skipped):
            cells = [_cell(getattr(p, m)) for m in SHOWN]
            name = Text(plain(p.name))
            if group != "all":
                name.append(f"\n{group}", "dim")
            table.add_row(name, *cells)
    console.print(table)


def _cell(m: Measure) -> Text:
    if math.isnan(m.value):
        return Text("–")
    half = (m.high - m.low) / 2
    digits = 2 if m.value < 0.02 else 1
    return Text.assemble(f"{100 * m.value:.{digits}f}", "\n", (f"±{100 * half:.{digits}f}", "dim"))


def rows_of(told: Mapping[str, Groups]) -> list[dict[str, Any]]:
    """Long: design, method, group, skipped, measure, value, low, high; not known is None."""
    rows = []
    for design, groups in told.items():
        for group, found in groups:
            for p in found:
                head = {"design": design, "method": p.name, "group": group, "skipped": p.skipped or None}
                measures = {} if p.skipped else {m: getattr(p, m) for m in MEASURES}
                rows += [{**head, "measure": m, **_numbers(v)} for m, v in measures.items()]
                if p.skipped:
                    rows.append({**head, "measure": None, "value": None, "low": None, "high": None})
    return rows


def _numbers(m: Measure) -> dict[str, float | None]:
    return {k: None if math.isnan(v) else v for k, v in m._asdict().items()}


def check_rows(path: Path) -> None:
    """Refuse a name that no table can be written by: better said before the work than after."""
    if path.suffix not in (".csv", ".json", ".parquet"):
        raise click.BadParameter(f"{path}: its name ends in .csv, .parquet or .json", param_hint="--out")


def write_rows(path: Path, rows: list[dict[str, Any]], whole: Any) -> None:
    """The rows as .csv or .parquet, or the whole as .json."""
    check_rows(path)
    if path.suffix == ".json":
        path.write_text(json.dumps(whole, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        return
    frame = pl.DataFrame(rows, infer_schema_length=None)
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    else:
        frame.write_csv(path)
