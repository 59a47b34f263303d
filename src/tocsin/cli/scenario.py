"""`tocsin scenario`: what if, from files of cases, areas and commuting, with and without measures. I/O."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np

from tocsin.cli import scenario_city, scenario_show
from tocsin.cli import scenario_files as files
from tocsin.cli.common import Finite, json_option, print_json
from tocsin.cli.of_city import of_city, one_of, only_with
from tocsin.errors import MethodError
from tocsin.estimate import interval, mixing, outlook, renewal, scenario, severity
from tocsin.types import Floats

_IN = click.Path(exists=True, dir_okay=False, path_type=Path)
_OUT = click.Path(dir_okay=False, path_type=Path)
_ABOVE = Finite(0, 1e11, min_open=True)
HISTORY = 120  # days of cases looked at
LEAST = 14  # days, for R
PICTURES = (".png", ".svg", ".pdf")


@dataclass(frozen=True, slots=True)
class _Asked:
    """The options, as given."""

    areas: Path | None
    population: float | None
    od: Path | None
    nowcast: Path | None
    rt: Path | None
    arrivals: Path | None
    measures: Path | None
    measure: tuple[str, ...]
    days: int
    si_mean: float | None
    si_sd: float | None
    disease: str | None
    dispersion: float
    admitted: float
    admitted_after: float
    stay: float
    beds: float | None
    draws: int
    seed: int


class _World(NamedTuple):
    """What every run starts from: R (A, M), past infections (A, L, M), the interval, who meets whom, arrivals."""

    names: list[str]
    places: files.Places
    last: date
    r: Floats
    past: Floats
    weights: Floats
    mixed: Floats
    arrivals: Floats | None
    measures: tuple[scenario.Measure, ...]


class _Run(NamedTuple):
    """Infections and beds in use (A, H, M)."""

    infections: Floats
    beds: Floats


@click.command("scenario")
@click.argument("cases", type=_IN, required=False)
@of_city
@click.option("--as-of", help="With --city: what was known at the end of this date, or at a date-time.")
@click.option("--areas", type=_IN, help="CSV with columns area, population, perhaps susceptible (people).")
@click.option("--population", type=_ABOVE, help="People, where there is one area only.")
@click.option("--od", type=_IN, help="CSV with columns from,to,count: people who commute. Without it nobody does.")
@click.option(
    "--nowcast", type=_IN, help="What `tocsin nowcast --by AREA` wrote: the newest days are then not too few."
)
@click.option("--rt", type=_IN, help="What `tocsin rt` wrote: its last window is R now.  [default: found from CASES]")
@click.option("--arrivals", type=_IN, help="CSV with columns date,area,count: infected people who will arrive.")
@click.option("--measures", type=_IN, help="CSV, a line a measure, columns as the words of --measure.")
@click.option(
    "--measure", multiple=True, metavar="WORDS", help="As area=north,start=2026-03-10,contacts=0.6; repeatable."
)
@click.option("--days", type=click.IntRange(1, 730), default=60, show_default=True, help="Days ahead.")
@click.option("--si-mean", type=float, help="Mean serial interval in days, above 1 (with --si-sd).")
@click.option("--si-sd", type=float, help="Its standard deviation.")
@click.option("--disease", type=click.Choice([i.disease for i in interval.INTERVALS]), help="A published interval.")
@click.option("--dispersion", type=_ABOVE, default=0.5, show_default=True, help="Of offspring; small: few infect many.")
@click.option("--admitted", type=Finite(0, 1), default=0.05, show_default=True, help="Share of cases.")
@click.option("--admitted-after", type=Finite(0.5, 365), default=7.0, show_default=True, help="Mean, in days.")
@click.option("--stay", type=Finite(1, 365), default=8.0, show_default=True, help="Mean stay in a bed, in days.")
@click.option("--beds", type=Finite(0), help="Beds there are.")
@click.option(
    "--put-off",
    "threshold",
    type=_ABOVE,
    help="Cases a day that should be put off.  [default: twice the last week's]",
)
@click.option("--draws", type=click.IntRange(50, 100_000), default=500, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--out", type=_OUT, help="CSV: run, area, date, mean and quantiles of infections and beds.")
@click.option("--plot", type=_OUT, help="A picture (.png, .svg, .pdf), its assumptions printed on it.")
@json_option
def command(
    cases: Path | None, city: Path | None, signal: str | None, level: str | None, as_of: str | None,
    threshold: float | None, out: Path | None, plot: Path | None, as_json: bool, **options: Any,
) -> None:  # fmt: skip
    """What if: run CASES (columns date, local, perhaps area and imported) or a city ahead, with and without measures.

    \b
    Examples:
      tocsin scenario cases.csv --population 800000 --disease influenza --measure contacts=0.7
      tocsin scenario cases.csv --areas areas.csv --od commuting.csv --si-mean 4 --si-sd 2 \\
        --measure "area=north;south,start=2026-03-10,end=2026-04-09,contacts=0.6,travel=0.5" \\
        --measure isolated=0.5,after=2 --beds 400 --plot whatif.png
      tocsin scenario --city my-city --signal ed.ili --level district --measure contacts=0.7

    A city brings its own areas, commuting, nowcast, R and imports (so many a day as in the last four weeks).
    Words of a measure: area (several with ;, none: all), start and end (dates; none: at once, to the end), contacts
    (relative to now), travel (share of commuting left), vaccinated (share of the susceptible made immune a day),
    isolated (share of cases) and after (days from infection to isolation). It is no forecast: see its assumptions.
    """
    asked = _Asked(**options)
    if plot is not None and plot.suffix.lower() not in PICTURES:
        raise click.UsageError(f"--plot {plot}: end the name in {', '.join(PICTURES)}")
    if cases is None or city is not None:
        one_of(cases, city)
        only_with("CASES", "areas", "population", "od", "nowcast", "rt", "arrivals", "si_mean", "si_sd", "disease",
                  "draws")  # fmt: skip
        world = _world_of_city(city or Path(), signal, level, as_of, asked)
    else:
        only_with("--city", "signal", "level", "as_of")
        world = _world(cases, asked)
    runs = {"without": _run(world, asked, ())}
    if world.measures:
        runs["with"] = _run(world, asked, world.measures)
    aim = threshold or _level(world)
    summary = _summary(runs, asked, aim)
    first = world.last + timedelta(days=1)
    if out:
        table = files.table([*world.names, "all"], first, _fans(runs), outlook.LEVELS)
        out.write_text(table.write_csv(), "utf-8")
    if plot:
        from tocsin.cli import scenario_plots

        totals = {run: (r.infections.sum(axis=0), r.beds.sum(axis=0)) for run, r in runs.items()}
        recent = world.past.sum(axis=0)[-28:]
        scenario_plots.draw(plot, totals, recent, first, world.measures, world.names, asked.beds)
    if as_json:
        print_json({"first": first.isoformat(), "days": asked.days, "seed": asked.seed, "level": aim,
                    "assumptions": list(scenario.ASSUMPTIONS), **summary})  # fmt: skip
    else:
        scenario_show.show(summary, first, aim, asked.days, asked.beds)


def _world(cases: Path, asked: _Asked) -> _World:
    if (asked.areas is None) == (asked.population is None):
        raise click.UsageError("give --areas FILE, or --population for one area")
    if asked.areas is None:
        people = np.array([float(asked.population or 0)])
        places = files.Places(["city"], people, people)
    else:
        places = files.places(asked.areas)
    names = places.names
    known = files.past(cases, names, alone=asked.areas is None)
    weights = _weights(asked)
    rng = np.random.default_rng(asked.seed)
    past = _past(known, asked, names, rng)
    mixed = mixing.mixing(files.flows(asked.od, names), places.population) if asked.od else np.eye(len(names))
    found = _r(known, past, weights, asked, names, rng)
    past += known.imported[:, -past.shape[1] :, None]
    return _World(
        names, places, known.last, mixing.restated(found, past, weights, mixed), past, weights, mixed,
        files.arrivals(asked.arrivals, names, known.last, asked.days) if asked.arrivals else None,
        _measures(asked, names, known.last),
    )  # fmt: skip


def _world_of_city(city: Path, signal: str | None, level: str | None, as_of: str | None, asked: _Asked) -> _World:
    found, last = scenario_city.start(city, signal, level, as_of)
    names = list(found.areas)
    return _World(
        names, files.Places(names, found.population, found.population), last, found.r, found.past, found.weights,
        found.mixing, scenario_city.arrivals(found, asked.days, asked.seed), _measures(asked, names, last),
    )  # fmt: skip


def _measures(asked: _Asked, names: list[str], last: date) -> tuple[scenario.Measure, ...]:
    given = [files.measure(_words(text), names, last, asked.days, f"--measure {text}") for text in asked.measure]
    if asked.measures:
        given += files.measures(asked.measures, names, last, asked.days)
    return tuple(given)


def _words(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if any(not mark for _, mark, _ in pairs):
        raise click.UsageError(f"--measure {text}: write NAME=VALUE, with commas between, such as contacts=0.6")
    return {name.strip(): value.strip() for name, _, value in pairs}


def _weights(asked: _Asked) -> Floats:
    mean, sd = asked.si_mean, asked.si_sd
    if (asked.disease is None) == (mean is None) or (mean is None) != (sd is None):
        raise click.UsageError("give one interval: --si-mean with --si-sd, or --disease")
    if mean is None or sd is None:
        known = next(i for i in interval.INTERVALS if i.disease == asked.disease)
        mean, sd = known.mean, known.sd
    weights = interval.discretised(mean, sd, int(mean + 6 * sd) + 2)
    return np.asarray(weights / weights.sum())


def _past(known: files.Past, asked: _Asked, names: list[str], rng: np.random.Generator) -> Floats:
    """Draws (A, L, M) of recent local cases: as reported, or as the nowcast has them."""
    local = known.local[:, -HISTORY:]
    past = np.repeat(local[:, :, None], asked.draws, axis=2)
    if asked.nowcast:
        levels, quantiles = files.nowcast(asked.nowcast, names, known)
        quantiles = quantiles[:, -HISTORY:]
        # One chance per area and draw for all its days: what is late today is late in the days before.
        chance = rng.random((len(names), asked.draws))
        for area, t in np.argwhere(np.isfinite(quantiles).all(axis=2)):
            past[area, t] = np.interp(chance[area], levels, quantiles[area, t])
    return past


def _r(
    known: files.Past, past: Floats, weights: Floats, asked: _Asked, names: list[str], rng: np.random.Generator
) -> Floats:
    """Draws (A, M) of R now."""
    if asked.rt:
        mean, sd = files.posterior(asked.rt, names)
        return rng.gamma((mean / sd)[:, None] ** 2, (sd**2 / mean)[:, None], (len(mean), asked.draws))
    if past.shape[1] < LEAST:
        raise MethodError(f"{past.shape[1]} days of cases are too few for R: give {LEAST} or more, or --rt")
    if past.sum() == 0:
        raise MethodError("no cases, so no R: give --rt")
    imported = known.imported[:, -past.shape[1] :] if known.imported.any() else None
    found = renewal.estimate(past, weights, imported, rng=rng, draws=asked.draws, pooled=len(names) > 1)
    return np.exp(np.nan_to_num(found.log_r[:, -1]))


def _run(world: _World, asked: _Asked, measures: tuple[scenario.Measure, ...]) -> _Run:
    done = scenario.simulate(
        world.past, world.r, world.weights, world.mixed, world.places.population, asked.days,
        np.random.default_rng([asked.seed, 1]), susceptible=world.places.susceptible, measures=measures,
        arrivals=world.arrivals, dispersion=asked.dispersion,
    ).infections  # fmt: skip
    whole = np.concatenate([world.past, done], axis=1)
    after = severity.delay(asked.admitted_after, asked.admitted_after / 2, int(4 * asked.admitted_after) + 1)
    stay = np.power(1 - 1 / asked.stay, np.arange(8 * asked.stay + 1, dtype=np.float64))
    expected = scenario.beds(whole, asked.admitted, after, stay)[:, -asked.days :]
    return _Run(done, scenario.by_chance(expected, np.random.default_rng([asked.seed, 2])))


def _level(world: _World) -> float:
    return max(2 * float(world.past[:, -7:].sum(axis=(0, 1)).mean()) / 7, 1.0)


def _summary(runs: dict[str, _Run], asked: _Asked, level: float) -> dict[str, Any]:
    found: dict[str, Any] = {name: outlook.outlook(*run, asked.beds)._asdict() for name, run in runs.items()}
    if "with" in runs:
        found["gained"] = outlook.gain(runs["without"], runs["with"], level, asked.beds)._asdict()
    return {
        name: {key: v._asdict() if isinstance(v, outlook.Span) else v for key, v in part.items()}
        for name, part in found.items()
    }


def _fans(runs: dict[str, _Run]) -> dict[tuple[str, str], tuple[Floats, Floats]]:
    out = {}
    for name, run in runs.items():
        for quantity, draws in run._asdict().items():
            all_ = np.concatenate([draws, draws.sum(axis=0, keepdims=True)])
            out[name, quantity] = all_.mean(axis=-1), outlook.fan(all_)
    return out
