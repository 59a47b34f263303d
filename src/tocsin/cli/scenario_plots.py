"""The picture of `tocsin scenario`: fans with and without measures, beds, and the assumptions in print. I/O."""

import textwrap
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np

from tocsin.errors import ConfigError
from tocsin.estimate import outlook, scenario
from tocsin.types import Floats

LOOKS = {"without": ("#64748b", "as it goes on"), "with": ("#1d4ed8", "with the measures")}


def draw(
    path: Path,
    totals: Mapping[str, tuple[Floats, Floats]],
    recent: Floats,
    first: date,
    measures: Sequence[scenario.Measure],
    names: Sequence[str],
    capacity: float | None,
) -> None:
    """Infections and beds (H, M) of each run, after `recent` days (L, M); ConfigError where matplotlib is missing."""
    try:
        from matplotlib.figure import Figure
    except ImportError as e:
        raise ConfigError('--plot needs matplotlib; install it with: pip install "tocsin[plot]"') from e
    figure = Figure(figsize=(10, 8), layout="constrained")
    infections, beds = figure.subplots(2, 1, sharex=True)
    begin = np.datetime64(first, "D")
    steps = next(iter(totals.values()))[0].shape[0]
    ahead = begin + np.arange(steps)
    before = begin - np.arange(len(recent), 0, -1)
    infections.bar(before, np.median(recent, axis=1), color="#cbd5e1", width=0.9, label="cases so far")
    for run, parts in totals.items():
        colour, label = LOOKS[run]
        for axis, draws in zip((infections, beds), parts, strict=True):
            fan = outlook.fan(draws)
            axis.fill_between(ahead, fan[:, 0], fan[:, 4], color=colour, alpha=0.15, linewidth=0)
            axis.fill_between(ahead, fan[:, 1], fan[:, 3], color=colour, alpha=0.25, linewidth=0)
            axis.plot(ahead, fan[:, 2], color=colour, linewidth=1.4, label=label)
    if capacity is not None:
        beds.axhline(capacity, color="#b91c1c", linewidth=1, linestyle="--", label=f"{capacity:g} beds")
    for i, one in enumerate(measures):
        at = begin + max(one.start, 0)
        infections.axvline(at, color="#0f766e", linewidth=0.8, linestyle=":")
        infections.axvspan(at, begin + min(one.end, steps), color="#0f766e", alpha=0.04, linewidth=0)
        infections.text(at, 0.97 - 0.06 * (i % 8), " " + _said(one, names), transform=infections.get_xaxis_transform(),
                        fontsize=7, color="#0f766e", va="top")  # fmt: skip
    infections.set_title("infections a day: median, 50 % and 95 % of the runs", loc="left", fontsize=10)
    beds.set_title("beds in use", loc="left", fontsize=10)
    for axis in (infections, beds):
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        axis.set_ylim(bottom=0)
    text = "Assumed, and no forecast: " + "; ".join(scenario.ASSUMPTIONS) + "."
    figure.supxlabel(textwrap.fill(text, 130), fontsize=8, x=0.01, ha="left")
    figure.savefig(path, dpi=150)


def _said(one: scenario.Measure, names: Sequence[str]) -> str:
    where = [name for name, chosen in zip(names, one.areas, strict=True) if chosen]
    place = "everywhere" if len(where) == len(names) else ", ".join(where[:3]) + (" …" if len(where) > 3 else "")
    parts = []
    if one.contacts != 1:
        parts.append(f"contacts × {one.contacts:g}")
    if one.travel != 1:
        parts.append(f"travel × {one.travel:g}")
    if one.vaccinated:
        parts.append(f"{one.vaccinated:.2%} immunised a day")
    if one.isolated:
        parts.append(f"{one.isolated:.0%} isolated after {one.isolated_after} d")
    return f"{place}: {', '.join(parts)}"
