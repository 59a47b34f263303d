"""A file of cases with two dates, however long, as counts by dates and stratum, read in one pass. I/O."""

import time
from dataclasses import dataclass
from pathlib import Path

import click
import polars as pl

from tocsin.cli.common import progress
from tocsin.errors import InputError

YEARS = 1900, 2200  # what a date of a case can be
WRITTEN = 11  # characters that hold a date: 2014年11月22日
# A date, and nothing that makes it another one behind it.
FORMS = (
    r"^(\d{4}-\d{1,2}-\d{1,2}|\d{4}/\d{1,2}/\d{1,2}|\d{4}\.\d{1,2}\.\d{1,2}"
    r"|\d{4}年\d{1,2}月\d{1,2}|\d{8}(?:\d{2,3})?)(?:\D|$)"
)
EXPECTED = "2014-09-01, 2014/9/1, 20140901 or 2014年9月1日"
WAIT = 0.02  # seconds between two looks at whether reading is done


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of the file: date it happened, date it became known, stratum, count of a line."""

    reference: str
    report: str
    by: str | None = None
    count: str | None = None


def table(file: Path, asked: Columns) -> pl.DataFrame:
    """Columns reference, report, by, count, lines: a row for all lines of the same two dates and stratum.

    Lines without both dates are left out, and said so. InputError for a file that holds no such table.
    """
    raw = _grouped(file, asked)
    odd = raw["odd"].drop_nulls()
    if len(odd):
        raise InputError(f"{file}: column {asked.count} must hold numbers, finite ones; found {odd.sort()[0]!r}")
    frame = raw.with_columns(_day("reference"), _day("report"))
    for column, name in (("reference", asked.reference), ("report", asked.report)):
        unread = raw.filter(frame[column].is_null() & (raw[column] != ""))
        if unread.height:
            shown, lines = unread[column].sort()[0], unread["lines"].sum()
            click.echo(f"tocsin: {lines} dates like {shown!r} in {name} are not understood; write {EXPECTED}", err=True)
    dated = frame.drop_nulls(["reference", "report"])
    _left_out(frame, dated, "without both dates")
    likely = dated.filter(pl.all_horizontal(pl.col("reference", "report").dt.year().is_between(*YEARS)))
    _left_out(dated, likely, f"with a date before {YEARS[0]} or after {YEARS[1]}")  # a slip would make 2,000 years
    return likely.select("reference", "report", "by", "count", "lines").sort("by", "reference", "report")


def _left_out(before: pl.DataFrame, after: pl.DataFrame, why: str) -> None:
    gone = int(before["lines"].sum()) - int(after["lines"].sum())
    if gone:
        click.echo(f"tocsin: {gone} lines {why} are left out", err=True)


def _grouped(file: Path, asked: Columns) -> pl.DataFrame:
    """Counts by the beginnings of both dates, as written, and stratum; `odd`, a count that is none, if there is one."""
    wanted = [c for c in (asked.reference, asked.report, asked.by, asked.count) if c is not None]
    try:
        whole = pl.scan_parquet(file) if file.suffix == ".parquet" else pl.scan_csv(file, infer_schema=False)
        found = whole.collect_schema().names()
        missing = [c for c in wanted if c not in found]
        if missing:
            raise InputError(f"{file}: no column {', '.join(missing)}; found {', '.join(found)}")
        number = pl.lit(1.0) if asked.count is None else _text(asked.count).cast(pl.Float64, strict=False)
        written = pl.lit("") if asked.count is None else _text(asked.count)
        lines = whole.select(
            _text(asked.reference).str.slice(0, WRITTEN).alias("reference"),
            _text(asked.report).str.slice(0, WRITTEN).alias("report"),
            (pl.lit("") if asked.by is None else _text(asked.by)).alias("by"),
            number.alias("count"),
            pl.when((written != "") & ~number.is_finite().fill_null(False)).then(written).alias("odd"),
        )
        return _collected(
            lines.group_by("reference", "report", "by").agg(
                pl.col("count").sum(), pl.col("odd").min(), pl.len().cast(pl.Int64).alias("lines")
            ),
            file,
        )
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as e:
        raise InputError(f"{file}: not readable as CSV or Parquet ({e})") from e


def _text(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.String).fill_null("").str.strip_chars()


def _day(column: str) -> pl.Expr:
    plain = pl.col(column).str.extract(FORMS).str.replace_all("[/.年月]", "-")
    return plain.str.to_date("%Y-%m-%d", strict=False).fill_null(
        plain.str.slice(0, 8).str.to_date("%Y%m%d", strict=False)
    )


def _collected(lazy: pl.LazyFrame, file: Path) -> pl.DataFrame:
    """What a query finds; it runs beside, so that a bar can turn and an interrupt ends it."""
    query = lazy.collect(engine="streaming", background=True)
    with progress() as bar:
        bar.add_task(f"reading {file.name}", total=None)
        try:
            while (found := query.fetch()) is None:
                time.sleep(WAIT)
        except KeyboardInterrupt:
            query.cancel()
            raise
    return found
