"""From a study and its settings to what is searched: counts held against expected counts, zones and windows. Pure."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from tocsin.scan import expected as ex
from tocsin.scan import statistic as st
from tocsin.scan.cylinder import Limits
from tocsin.scan.periods import Windows, simulated_windows, windows
from tocsin.scan.settings import Settings
from tocsin.scan.study import Stream, Study, pooled
from tocsin.scan.zones import Zones, everywhere, from_lists, limited, with_everywhere, zones
from tocsin.types import Floats, Ints

PER_YEAR = {"day": 365.25, "month": 12.0, "year": 1.0, "generic": 1.0}  # units


class Plan(NamedTuple):
    """All a search needs. n, u (S, L, T): counts, and expected counts (Bernoulli: cases + controls)."""

    kind: int
    n: Floats
    u: Floats
    shown: Floats  # (S, L, T) expected counts as they are shown
    zones: Zones
    penalty: Floats
    windows: Windows
    simulated: Windows
    limits: Limits
    within: bool  # windows are compared inside their own time only


def plan(study: Study, settings: Settings, table: Zones | None = None) -> Plan:
    """Make ready. `table`: the neighbours of these places (see `neighbours`), to be used again."""
    pairs = [_stream(s, study, settings) for s in study.streams]
    n, u = np.stack([p[0] for p in pairs]), np.stack([p[1] for p in pairs])
    kind = st.code(settings.model)
    weight = u.sum(axis=(0, 2))
    found = _zones(study, settings, weight) if table is None else limited(table, weight, settings.max_size)
    limits = Limits(
        st.ways(settings.rates),
        float(settings.min_cases),
        float(settings.min_cases_low),
        settings.risk_floor,
        settings.risk_ceiling,
        settings.streams == "adjustment" and len(study.streams) > 1,
    )
    return Plan(
        kind,
        n,
        u,
        _shown(kind, n, u, settings.trend == "stratified"),
        found,
        np.array([st.penalty(s, settings.penalty) for s in found.shape]),
        windows(study.edges, settings),
        simulated_windows(study.edges, settings),
        limits,
        settings.trend == "stratified",
    )


def fitted(study: Study, settings: Settings) -> Study:
    """The study with only the axes the analysis looks at: one place if temporal, one interval if spatial."""
    if settings.analysis == "temporal" and len(study.ids) > 1:
        risks = study.risks if study.risks is None else study.risks[:1]
        streams = tuple(pooled(s, 0) for s in study.streams)
        one = study.points[:1]
        return replace(study, ids=("All",), points=one, streams=streams, risks=risks, pooled=study.places)
    if settings.analysis == "spatial" and len(study.edges) > 2:
        streams = tuple(pooled(s, 1) for s in study.streams)
        return replace(study, edges=study.edges[[0, -1]], streams=streams, risks=None)
    return study


def strata(stream: Stream, settings: Settings) -> list[Ints]:
    """What the permutation keeps fixed apart: covariates, days of the week."""
    if stream.strata:
        return list(stream.strata)
    return ex.weekdays(stream.cases) if settings.weekly else [stream.cases]


def _shown(kind: int, n: Floats, u: Floats, within: bool) -> Floats:
    """Bernoulli: the share of cases among all, in each interval if stratified by time, otherwise over the study."""
    if kind != st.BERNOULLI:
        return u
    axes = (1,) if within else (1, 2)
    cases, units = n.sum(axis=axes, keepdims=True), u.sum(axis=axes, keepdims=True)
    return np.asarray(u * np.divide(cases, units, out=np.zeros_like(cases), where=units > 0))


def neighbours(study: Study, settings: Settings) -> Zones:
    """The neighbour table of a study's places under a distance limit: kept from day to day and for all signals.

    Shares of the population or of the cases are cut from it when it is used. L places without a distance limit take
    4·L² bytes.
    """
    study = fitted(study, settings)
    return _zones(study, replace(settings, max_size=0.0), np.ones(len(study.ids)))


def _zones(study: Study, settings: Settings, weight: Floats) -> Zones:
    L = len(study.ids)
    if settings.analysis == "temporal":
        return everywhere(1)
    if study.neighbours is not None:
        found = from_lists(study.neighbours, weight, settings, study.reach)
    else:
        found = zones(study.space, weight, settings, study.centres, study.earth)
    if settings.include_temporal:
        found = with_everywhere(found, L)
    return found


def _stream(stream: Stream, study: Study, settings: Settings) -> tuple[Floats, Floats]:
    """Counts (L, T) and what they are held against."""
    cases = stream.cases.astype(np.float64)
    if settings.model == "permutation":
        return cases, ex.from_margins(strata(stream, settings))
    assert stream.at_risk is not None, "every model but the permutation needs something to hold the cases against"
    if settings.model == "bernoulli":
        return cases, cases + stream.at_risk
    held = stream.at_risk
    if settings.model == "ebp":
        return cases, held
    if settings.model == "ebnb":
        wide = 1 + held / stream.dispersion
        return cases / wide, held / wide
    if study.risks is not None:
        held = ex.with_known_risks(held, study.risks)
    return cases, _adjusted(stream.cases, held, study.edges, settings)


def _adjusted(cases: Ints, held: Floats, edges: Ints, settings: Settings) -> Floats:
    """Time trend, then place by place."""
    if cases.sum() == 0:  # one stream of several
        return np.zeros_like(held)
    years = np.arange(len(edges) - 1, dtype=np.float64) * (settings.step / PER_YEAR[settings.unit])
    if settings.trend == "percent":
        held = ex.with_trend(held, settings.trend_percent, years)
    if settings.trend == "estimated":
        percent = ex.fitted_trend(cases.sum(axis=0), held.sum(axis=0), years)
        held = ex.with_trend(held, percent, years)
    if settings.trend == "stratified":
        held = ex.each_interval_its_own(cases, held)
    if settings.spatial != "none":
        held = ex.each_place_its_own(cases, held)
    return held
