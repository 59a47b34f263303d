"""Files in and out of `tocsin scan`: tables, parameter files; JSON, GeoJSON, CSV, Parquet. I/O."""

import codecs
import csv
import io
import json
from dataclasses import replace
from pathlib import Path, PureWindowsPath
from typing import Any, Literal

import click
import numpy as np

from tocsin.errors import InputError
from tocsin.scan import Result, Settings, Stream, Study, files, prm, tidy, wire
from tocsin.scan.expected import dispersion, from_history
from tocsin.scan.fields import day_of, lines
from tocsin.scan.periods import longest


def read(path: Path) -> str:
    """The text of a file; Parquet as CSV. InputError if there is none or it is no text."""
    try:
        if path.suffix == ".parquet":
            import polars as pl

            return pl.read_parquet(path).write_csv()
        held = path.read_bytes()
    except OSError as e:
        raise InputError(f"{path}: {e.strerror or e}; check the path") from e
    try:
        return held.decode("utf-16" if held[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig")
    except UnicodeDecodeError:
        return held.decode("latin-1")  # names of places in older SaTScan files


def beside(folder: Path, name: str) -> Path:
    """Where a file that a parameter file names is: relative to it, or, brought from another computer, beside it.

    Windows does not tell small letters from capitals: a file whose name differs in these alone is taken. InputError if
    there is none.
    """
    told = folder / name.replace("\\", "/")
    if told.exists():
        return told
    last = PureWindowsPath(name).name
    for place in (told.parent, folder):
        if place.is_dir():
            for found in sorted(place.iterdir()):
                if found.name.lower() == last.lower():
                    click.echo(f"{name} is not there: {found} is read", err=True)
                    return found
    raise InputError(f"{told}: no such file; put {last} beside the parameter file, or correct the path in it")


def from_prm(path: Path) -> tuple[Study, Settings]:
    """A SaTScan analysis; file names are relative to the parameter file."""
    job = prm.read(read(path))

    def text(name: str) -> str:
        return _filled(read(beside(path.parent, name)), name) if name else ""

    streams = [
        files.Texts(read(beside(path.parent, c)), text(k), text(p), files.Names(c, k, p))
        for c, k, p in zip(job.cases, job.controls, job.population, strict=True)
    ]
    if not job.areas and job.settings.analysis != "temporal":
        raise InputError(f"{path}: CoordinatesFile= is empty; name the file of places")
    called = files.Called(job.areas, job.grid, job.neighbours, job.risks)
    found = files.study(
        streams,
        text(job.areas),
        job.frame,
        job.settings,
        text(job.grid),
        text(job.neighbours),
        text(job.risks),
        called=called,
    )
    if found.left_out:
        click.echo(f"{found.left_out} rows are at unknown places or outside the study period: left out", err=True)
    return found, job.settings


def from_files(options: dict[str, Any]) -> tuple[Study, Settings]:
    """The study and settings that the command's options describe."""
    cases = [tidy.plain(read(p), "counts", str(p)) for p in options["cases"]]
    precision = tidy.dated(cases[0])
    settings = _settings(options, precision)
    if precision == "none" and settings.analysis != "spatial":
        raise InputError(f"{options['cases'][0]}: cases have no dates; add them, or use --analysis spatial")
    raw = read(options["areas"]) if options["areas"] else ""
    frame = _frame(options, cases, precision)._replace(earth=not (options["cartesian"] or tidy.planar(raw)))
    areas = tidy.plain(raw, "points", str(options["areas"]))
    if not options["areas"] and settings.analysis != "temporal":
        raise InputError("places need coordinates: give --areas FILE, or use --analysis temporal")
    texts = [
        files.Texts(
            text,
            _nth(options["controls"], i, "counts"),
            _nth(options["population"], i, "people"),
            files.Names(*(_name(options[kind], i) for kind in ("cases", "controls", "population"))),
        )
        for i, text in enumerate(cases)
    ]
    near = read(options["neighbours"]) if options["neighbours"] else ""
    net = read(options["network"]) if options["network"] else ""
    called = files.Called(
        *(str(options.get(kind) or kind) for kind in ("areas", "grid", "neighbours", "risks", "network"))
    )
    if settings.model not in ("ebp", "ebnb"):
        return files.study(texts, areas, frame, settings, neighbours=near, network=net, called=called), settings
    if settings.analysis == "spatial" and not options["expected"]:
        raise InputError("a purely spatial scan has no past to expect by; give --expected FILE, or use space-time")
    if settings.analysis == "temporal":  # all places are one
        known = {
            fields[0] for text, p in zip(cases, options["cases"], strict=True) for _, fields in lines(text, str(p))
        }
        areas = "\n".join(f'"{name}" 0 0' for name in sorted(known or {"All"}))
    plain = replace(settings, model="permutation", analysis="space-time")  # counts alone
    counted = files.study(texts, areas, frame, plain, neighbours=near, network=net, called=called)
    if settings.analysis == "temporal":
        counted = replace(counted, ids=("All",), pooled=len(known))
    return _with_baseline(counted, options, settings, areas, frame), settings


def _nth(paths: tuple[Path, ...], i: int, layout: str) -> str:
    if not paths:
        return ""
    path = paths[min(i, len(paths) - 1)]
    return _filled(tidy.plain(read(path), layout, str(path)), str(path))


def _filled(text: str, name: str) -> str:
    """The text; InputError if it has no rows."""
    if not lines(text, name):
        raise InputError(f"{name}: no rows in it; give one row a place")
    return text


def _name(paths: tuple[Path, ...], i: int) -> str:
    return str(paths[min(i, len(paths) - 1)]) if paths else ""


def _settings(options: dict[str, Any], precision: str) -> Settings:
    unit: Any = options["unit"] or {"none": "day"}.get(precision, precision)
    shapes = (1.5, 2.0, 3.0, 4.0, 5.0) if options["ellipses"] else ()
    return Settings(
        model=options["model"],
        analysis=options["analysis"],
        prospective=options["prospective"],
        rates=options["rates"],
        max_size=options["max_size"],
        max_distance=options["max_km"],
        shapes=shapes,
        angles=(4, 6, 9, 12, 15) if shapes else (),
        unit=unit,
        step=options["step"],
        min_window=options["min_days"],
        max_window=options["max_days"],
        min_cases=options["min_cases"],
        risk_floor=options["risk_floor"],
        criterion=options["criterion"],
        weekly=options["weekly"],
        trend=options["trend"],
        trend_percent=options["trend_percent"],
        spatial=options["spatial"],
        replicates=options["replicates"],
        p_value=options["p_value"],
        seed=20240229 if options["seed"] is None else options["seed"],
        random=options["stream"] or "tocsin",
    )


def _frame(options: dict[str, Any], cases: list[str], precision: str) -> files.Frame:
    """The study period: as given, or from the first to the last case."""
    grain = "generic" if precision == "generic" else "day"
    days: list[int] = []
    if precision != "none":
        for text, path in zip(cases, options["cases"], strict=True):
            for line, fields in lines(text, str(path)):
                try:
                    days.append(day_of(fields[2], precision))
                except (ValueError, IndexError) as e:
                    raise InputError(f"{path} line {line}: no date in {' '.join(fields)!r}; write 2024-02-29") from e
    if precision != "none" and not days:
        click.echo(f"{options['cases'][0]}: no rows of cases", err=True)
    try:
        first = day_of(options["start"], grain) if options["start"] else min(days, default=0)
        last = day_of(options["end"], grain) if options["end"] else max(days, default=0)
    except ValueError as e:
        raise InputError(f"--start or --end: {e} is no date; write 2024-02-29") from e
    if grain == "day":
        last = _last_day(last, tidy.dated(f"- 1 {options['end']}") if options["end"] else precision)
    outside = sum(not first <= day <= last for day in days)
    if outside:
        click.echo(f"{outside} of {len(days)} rows of cases are outside the study period: left out", err=True)
    known = precision != "none" or bool(options["start"] or options["end"])
    return files.Frame(first, last, precision, strict_times=False, dated=known)


def _last_day(day: int, grain: str) -> int:
    """The last day of the month or year that a day is in, or the day itself."""
    if grain not in ("month", "year"):
        return day
    unit: Literal["M", "Y"] = "M" if grain == "month" else "Y"
    following = np.datetime64(day, "D").astype(f"M8[{unit}]") + np.timedelta64(1, unit)
    return int(following.astype("M8[D]").astype(np.int64)) - 1


def _with_baseline(study: Study, options: dict[str, Any], settings: Settings, areas: str, frame: files.Frame) -> Study:
    """Expected counts from --expected, or each place's own past with the city's day-of-week pattern."""
    T = len(study.edges) - 1
    first = T - longest(int(study.edges[0]), int(study.edges[-1]) - 1, settings)
    streams = []
    for stream in study.streams:
        if options["expected"]:
            text = tidy.plain(read(options["expected"]), "expected", str(options["expected"]))
            held = files.expected_table(text, "" if settings.analysis == "temporal" else areas, frame, study)
        else:
            daily = settings.unit == "day" and settings.step == 1
            held = from_history(stream.cases, first, study.edges[:-1] % 7 if daily else None)
        cases, mean, past = stream.cases, held, first
        if settings.analysis == "spatial":  # no past: from the places themselves, an outbreak among them or not
            cases, mean, past = cases.sum(axis=1, keepdims=True), held.sum(axis=1, keepdims=True), 1
        spread = dispersion(cases, mean, past) if settings.model == "ebnb" else float("inf")
        streams.append(Stream(stream.cases, held, (), spread))
    return replace(study, streams=tuple(streams))


def write(result: Result, study: Study, path: Path) -> None:
    """Write the clusters in the format of the file's ending, all or nothing."""
    if path.suffix in (".json", ".geojson"):
        made = wire.document(result, study) if path.suffix == ".json" else wire.geojson(result, study)
        data = (json.dumps(made, allow_nan=False, ensure_ascii=False, indent=1) + "\n").encode()
    elif path.suffix == ".csv":
        data = _csv(list(wire.columns(result, study)), wire.rows(result, study)).encode()
    else:
        import polars as pl  # slow to load: only where it is used

        buffer = io.BytesIO()
        pl.DataFrame(wire.rows(result, study), schema=wire.columns(result, study)).write_parquet(buffer)
        data = buffer.getvalue()
    try:
        part = path.with_name(path.name + ".part")
        part.write_bytes(data)
        part.replace(path)
    except OSError as e:
        raise InputError(f"{path}: {e.strerror or e}; check that the folder exists and may be written to") from e


def _csv(names: list[str], rows: list[dict[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
