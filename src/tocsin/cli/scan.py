"""`tocsin scan`: look for clusters in space and time, from files, no city needed. I/O."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from tocsin.cli.scan_files import from_files, from_prm, write
from tocsin.cli.scan_map import draw, drawable
from tocsin.errors import InputError
from tocsin.scan import Result, Settings, Study, scan, wire

_OVER = {"seed", "stream", "replicates"}  # options that go before what a parameter file says
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("scan")
@click.option("--prm", type=_FILE, help="A SaTScan parameter file: it says the rest.")
@click.option(
    "--cases", type=_FILE, multiple=True, help="location, number, date, covariates; more files: more streams."
)
@click.option("--areas", type=_FILE, help="location, latitude, longitude (or x, y).")
@click.option("--population", type=_FILE, multiple=True, help="location, date, people, covariates.")
@click.option("--controls", type=_FILE, multiple=True, help="Like the cases: those without the disease (bernoulli).")
@click.option("--expected", type=_FILE, help="location, date, expected cases (ebp, ebnb).")
@click.option(
    "--neighbours", type=_FILE, help="location and its neighbours in the order they join, instead of circles."
)
@click.option("--network", type=_FILE, help="from, to[, distance]: windows grow along these edges, instead of circles.")
@click.option("--model", default="poisson", type=click.Choice(["poisson", "bernoulli", "permutation", "ebp", "ebnb"]))
@click.option("--analysis", default="space-time", type=click.Choice(["spatial", "temporal", "space-time"]))
@click.option("--prospective", is_flag=True, help="Only windows that reach the end: outbreaks that are alive.")
@click.option("--rates", default="high", show_default=True, type=click.Choice(["high", "low", "both"]))
@click.option("--start", help="First day of the study.  [default: of the first case]")
@click.option("--end", help="Last day of the study.  [default: of the last case]")
@click.option("--unit", type=click.Choice(["day", "month", "year", "generic"]), help="Of time.  [default: as dated]")
@click.option("--step", default=1, show_default=True, help="Units in an interval.")
@click.option("--max-size", default=0.5, show_default=True, help="Largest window, share of the population at risk.")
@click.option("--max-km", default=0.0, help="Largest radius in km (or map units); 0 = no limit.")
@click.option("--max-days", default=0, help="Longest window in units; 0 = half of the study.")
@click.option("--min-days", default=1, show_default=True, help="Shortest window in units.")
@click.option("--min-cases", default=2, show_default=True, help="Fewest cases in a cluster.")
@click.option("--risk-floor", default=0.0, help="Smallest relative risk of a cluster; 0 = no limit.")
@click.option("--criterion", default=0, show_default=True, type=click.IntRange(0, 5), help="Which overlaps are told.")
@click.option("--weekly", is_flag=True, help="Adjust for the day of the week (permutation).")
@click.option("--trend", default="none", type=click.Choice(["none", "percent", "estimated", "stratified"]))
@click.option("--trend-percent", default=0.0, help="Change a year, with --trend percent.")
@click.option("--spatial", default="none", type=click.Choice(["none", "stratified", "nonparametric"]))
@click.option("--ellipses", is_flag=True, help="Also ellipses, long axis 1.5 to 5 times the short one (x, y only).")
@click.option("--replicates", default=999, show_default=True, help="Under the null; 0 = no p-values.")
@click.option("--p-value", default="rank", type=click.Choice(["rank", "default", "sequential", "gumbel"]))
@click.option("--seed", type=click.IntRange(min=0), help="All chance comes from it.  [default: 20240229]")
@click.option("--random", "stream", type=click.Choice(["tocsin", "satscan"]), help="Random numbers; satscan: its own.")
@click.option("--threads", default=0, help="0 = all processors; results are the same.")
@click.option("--cartesian", is_flag=True, help="The areas have x and y, not latitude and longitude.")
@click.option("--out", type=_FILE, help="clusters.json, .geojson, .csv or .parquet.  [default: a table]")
@click.option("--map", "picture", type=_FILE, help="Draw a map: .png, .svg or .pdf.")
def command(prm: Path | None, out: Path | None, picture: Path | None, threads: int, **options: Any) -> None:
    """Find the windows of space and time with more cases than chance explains.

    \b
    Examples:
      tocsin scan --cases cases.csv --areas areas.csv --model permutation --prospective --max-days 30
      tocsin scan --prm analysis.prm --out clusters.geojson
    """
    if out and out.suffix not in (".json", ".geojson", ".csv", ".parquet"):
        raise InputError(f"{out}: write to .json, .geojson, .csv or .parquet")
    if prm is None and (not options["cases"]):
        raise click.UsageError("give --cases FILE (and --areas FILE), or --prm FILE")
    if options["network"] and options["neighbours"]:
        raise click.UsageError("give --network or --neighbours, not both")
    study, settings = from_prm(prm) if prm else from_files(options)
    if picture:
        drawable(settings)
    changes: dict[str, Any] = {"threads": threads or (os.cpu_count() or 1)}
    if prm:
        changes |= _over_the_file(options)
    result = _with_progress(study, replace(settings, **changes))
    if len(study.ids) == 1 and settings.analysis != "temporal":
        click.echo("All is at one place: nothing to compare it with; --analysis temporal looks along time.", err=True)
    if out:
        write(result, study, out)
    if picture:
        draw(result, study, picture)
    if not out:
        _print(result, study)


def _over_the_file(options: dict[str, Any]) -> dict[str, Any]:
    """What the command line changes of a parameter file's settings; options that do not count are said."""
    context = click.get_current_context()
    given = {name for name in options if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    if idle := given - _OVER:
        names = ", ".join(sorted(p.opts[0] for p in context.command.params if p.name in idle))
        click.echo(f"With --prm the file says it all: {names} left out.", err=True)
    changes: dict[str, Any] = {}
    if options["seed"] is not None:
        changes = {"seed": options["seed"], "random": "tocsin"}
    if options["stream"]:
        changes["random"] = options["stream"]
    if "replicates" in given:
        changes["replicates"] = options["replicates"]
    return changes


def _with_progress(study: Study, settings: Settings) -> Result:
    if not sys.stderr.isatty():
        return scan(study, settings)  # nobody looks on
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Replicates", total=settings.replicates)
        return scan(study, settings, progress=lambda done, total: bar.update(task, completed=done, total=total))


def _print(result: Result, study: Study) -> None:
    """A line a cluster for people; JSON is for programs (--out)."""
    if not result.clusters:
        click.echo("No clusters.")
    for i, c in enumerate(result.clusters, 1):
        values = wire.cluster(c, study)
        p = values["p_value"]
        where = f"{c.center} and {len(c.members) - 1} more" if len(c.members) > 1 else c.center
        again = values["recurrence_interval_days"]
        when = f"{c.start} – {c.end}  " if study.dated else ""
        click.echo(
            f"{i:3d}  {where:28s} {when}{values['observed']:g} cases, {c.expected:.2f} expected"
            f"  LLR {c.llr:.2f}"
            + (f"  p {p:.3g}" if p is not None else "")
            + (f"  once in {again:,.0f} days" if again is not None else "")
        )
