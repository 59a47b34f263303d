"""`tocsin rt`: a file of cases in, a reproduction number with its uncertainty per window out. I/O."""

from pathlib import Path

import click
import numpy as np
import polars as pl

from tocsin.errors import InputError, MethodError
from tocsin.estimate import aggregate, cohort, interval, renewal, rt, uncertain
from tocsin.types import Floats, Ints

METHODS = ("epiestim", "wallinga-teunis", "tocsin")
_IN = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("rt")
@click.argument("file", type=_IN)
@click.option("--si-mean", type=float, help="Mean serial interval in steps, above 1 (with --si-sd).")
@click.option("--si-sd", type=float, help="Its standard deviation in steps.")
@click.option("--si-weights", type=_IN, help="CSV with columns k,w: the weight of each lag, from lag 0.")
@click.option("--si-samples", type=_IN, help="CSV with columns sample,k,w: many intervals, all as likely.")
@click.option(
    "--si-uncertain",
    nargs=8,
    type=float,
    metavar="MEAN SD LOW HIGH  SD SD LOW HIGH",
    help="The interval's mean and its sd, each with its own sd and bounds.",
)
@click.option("--disease", type=click.Choice([i.disease for i in interval.INTERVALS]), help="A published interval.")
@click.option("--window", type=click.IntRange(1), default=7, show_default=True, help="Length of sliding windows.")
@click.option("--windows", type=_IN, help="CSV with columns t_start,t_end (the first step is 1, both ends in).")
@click.option("--prior-mean", type=float, default=5.0, show_default=True)
@click.option("--prior-sd", type=float, default=5.0, show_default=True)
@click.option("--method", type=click.Choice(METHODS), default="epiestim", show_default=True)
@click.option("--weekly", is_flag=True, help="Rows are weeks; the interval and --window are in days.")
@click.option("--first-week", type=click.Choice(["naive", "match"]), default="naive", show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="CSV to write (else to standard output).")
def command(
    file: Path,
    si_mean: float | None,
    si_sd: float | None,
    si_weights: Path | None,
    si_samples: Path | None,
    si_uncertain: tuple[float, ...] | None,
    disease: str | None,
    window: int,
    windows: Path | None,
    prior_mean: float,
    prior_sd: float,
    method: str,
    weekly: bool,
    first_week: str,
    out: Path | None,
) -> None:
    """Estimate the reproduction number from FILE: columns t or date, local, and optionally imported and series.

    \b
    Examples:
      tocsin rt cases.csv --si-mean 3.6 --si-sd 1.6 --window 7 --out rt.csv
      tocsin rt cases.csv --disease measles --method tocsin

    The result has t_start, t_end, mean, sd and quantiles (and series, where FILE has it); an empty cell is no claim.
    """
    names, local, imported = _read_cases(file)
    steps = local.shape[1] * (7 if weekly else 1)
    table, weight = _intervals(si_mean, si_sd, si_weights, si_samples, si_uncertain, disease, steps)
    chosen = rt.sliding(steps, window) if windows is None else _read_windows(windows)
    prior = {"prior_mean": prior_mean, "prior_sd": prior_sd}
    if len(table) > 1 and (method != "epiestim" or weekly):
        raise MethodError(
            "uncertain intervals go with --method epiestim on steps, not weeks; give one interval instead"
        )
    if weekly:
        if method != "epiestim" or imported is not None or windows is not None:
            raise MethodError("--weekly goes with --method epiestim, --window and local cases only")
        first = "match" if first_week == "match" else "naive"
        found = [aggregate.estimate(row, table[0], window=window, first=first, **prior)[0] for row in local]
    elif method == "wallinga-teunis":
        found = cohort.estimate(local, table[0], imported, chosen)
    elif method == "tocsin":
        found = _one_each(renewal.estimate(local, table[0], imported).by_window(chosen))
    elif len(table) > 1:
        abroad = [None] * len(local) if imported is None else list(imported)
        found = [
            uncertain.estimate(row, table, other, chosen, weight=weight, **prior)
            for row, other in zip(local, abroad, strict=True)
        ]
    else:
        found = _one_each(rt.estimate(local, table[0], imported, chosen, **prior))
        _warn_early(local, imported, chosen, prior_mean, prior_sd)
    _write(names, found, out)


def _one_each(found: rt.Rt) -> list[rt.Rt]:
    return [
        rt.Rt(found.windows, found.mean[i : i + 1], found.sd[i : i + 1], found.levels, found.quantiles[i : i + 1])
        for i in range(len(found.mean))
    ]


def _warn_early(local: Floats, imported: Floats | None, windows: Ints, mean: float, sd: float) -> None:
    _, total = rt.split(local, imported)
    early = sum(rt.too_early(row, windows[0], mean, sd) for row in total)
    if early:
        click.echo(f"tocsin: {early} of {len(total)} series: few cases in the first window, R is vague there", err=True)


def _csv(path: Path, needed: tuple[str, ...]) -> pl.DataFrame:
    try:
        frame = pl.read_csv(path, infer_schema_length=None, null_values=["", "NA", "NaN"])
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as e:
        raise InputError(f"{path}: not a readable CSV ({e}); save it as UTF-8 with a header line") from e
    missing = [c for c in needed if c not in frame.columns]
    if missing:
        raise InputError(f"{path}: no column {', '.join(missing)}; found {', '.join(frame.columns)}")
    return frame


def _number(frame: pl.DataFrame, column: str, path: Path) -> Floats:
    try:
        return frame[column].cast(pl.Float64).fill_null(np.nan).to_numpy()
    except pl.exceptions.PolarsError as e:
        raise InputError(f"{path}: column {column} must hold numbers ({e})") from e


def _read_cases(path: Path) -> tuple[list[str] | None, Floats, Floats | None]:
    frame = _csv(path, ("local",))
    if not frame.height:
        raise InputError(f"{path}: no rows")
    names = frame["series"].cast(pl.String).unique(maintain_order=True).to_list() if "series" in frame.columns else None
    row = (
        np.zeros(frame.height, np.int64) if names is None else frame["series"].cast(pl.String).rank("dense").to_numpy()
    )
    if names is not None:
        place = {name: i for i, name in enumerate(names)}
        row = np.array([place[name] for name in frame["series"].cast(pl.String)])
    step = _steps(frame, path, row)
    shape = (1 if names is None else len(names), int(step.max()) + 1)

    def spread(column: str) -> Floats:
        values = np.full(shape, np.nan)
        values[row, step] = _number(frame, column, path)
        return values

    local = spread("local")
    imported = spread("imported") if "imported" in frame.columns else None
    for column, values in (("local", local), ("imported", imported)):
        if values is not None and np.nanmin(values, initial=0) < 0:
            raise InputError(f"{path}: column {column} has counts below 0; net out corrections first")
    return names, local, imported


def _steps(frame: pl.DataFrame, path: Path, row: Ints) -> Ints:
    """Step index (from 0) of each line, by t or by date; missing steps in between stay missing."""
    if "t" in frame.columns:
        step = frame["t"].cast(pl.Int64).to_numpy() - 1
        step = step - min(int(step.min()), 0)
    elif "date" in frame.columns:
        day = frame["date"].cast(pl.String).str.to_date("%Y-%m-%d", strict=False)
        if day.null_count():
            raise InputError(f"{path}: column date must hold dates like 2026-01-31")
        number = day.to_physical().cast(pl.Int64).to_numpy()
        apart = np.diff(np.unique(number))
        step = (number - number.min()) // (int(np.gcd.reduce(apart)) if apart.size else 1)
    else:
        raise InputError(f"{path}: needs a column t (1, 2, 3 …) or date")
    if len(set(zip(row.tolist(), step.tolist(), strict=True))) < frame.height:
        raise InputError(f"{path}: two lines for one step; sum them, or name the series in a column series")
    return step


def _read_windows(path: Path) -> Ints:
    frame = _csv(path, ("t_start", "t_end"))
    return frame.select(pl.col("t_start", "t_end").cast(pl.Int64)).to_numpy()


def _weights(frame: pl.DataFrame, path: Path) -> Floats:
    lag, weight = _number(frame, "k", path), _number(frame, "w", path)
    if not frame.height or (lag < 0).any() or (lag != np.floor(lag)).any():
        raise InputError(f"{path}: column k must hold the lags 0, 1, 2, …")
    full = np.zeros(int(lag.max()) + 1)
    full[lag.astype(np.int64)] = weight
    return interval.checked(full)


def _intervals(
    mean: float | None,
    sd: float | None,
    weights: Path | None,
    samples: Path | None,
    unsure: tuple[float, ...] | None,
    disease: str | None,
    steps: int,
) -> tuple[Floats, Floats | None]:
    """The interval weights (M, K), and how likely each of them is (even if None)."""
    ways = (mean is not None or sd is not None, weights, samples, unsure, disease)
    if sum(map(bool, ways)) != 1 or (mean is None) != (sd is None):
        raise click.UsageError("give one interval: --si-mean with --si-sd, --si-weights, --si-samples, … or --disease")
    if weights is not None:
        return _weights(_csv(weights, ("k", "w")), weights)[None], None
    if samples is not None:
        parts = _csv(samples, ("sample", "k", "w")).partition_by("sample", maintain_order=True)
        rows = [_weights(part, samples) for part in parts]
        longest = max(r.size for r in rows)
        return np.stack([np.pad(r, (0, longest - r.size)) for r in rows]), None
    if unsure is not None:
        return uncertain.nodes(uncertain.Uncertain(*unsure), steps)
    if disease is not None:
        known = next(i for i in interval.INTERVALS if i.disease == disease)
        mean, sd = known.mean, known.sd
    assert mean is not None
    assert sd is not None
    return interval.discretised(mean, sd, steps)[None], None


def _write(names: list[str] | None, found: list[rt.Rt], out: Path | None) -> None:
    parts = []
    for i, one in enumerate(found):
        columns: dict[str, object] = {} if names is None else {"series": [names[i]] * len(one.windows)}
        columns |= {"t_start": one.windows[:, 0], "t_end": one.windows[:, 1], "mean": one.mean[0], "sd": one.sd[0]}
        columns |= {f"q{level:g}": one.quantiles[0, :, j] for j, level in enumerate(one.levels)}
        parts.append(pl.DataFrame(columns).with_columns(pl.col(pl.Float64).fill_nan(None)))
    table = pl.concat(parts)
    if out is None:
        click.echo(table.write_csv(), nl=False)
    else:
        table.write_csv(out)
