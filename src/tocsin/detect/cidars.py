"""CIDARS, China's automated alert and response system: moving percentile and fixed value. Pure.

Yang WZ, Li ZJ, Lan YJ et al. (2011), WPSAR 2(1): 10-15; Li ZJ, Lai SJ, Buckeridge DL et al. (2012), JAMIA 19: e51-e53.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from tocsin.calendar import DAY
from tocsin.detect import contract, predictive
from tocsin.detect.contract import Equality, require
from tocsin.types import Alarms, Floats, Ints, Panel, Times

WEEK = 7 * DAY
LEAST_SHARE = 0.6  # of the baseline blocks must have been reported


def moving_percentile(
    panel: Panel,
    start: int,
    *,
    percentile: float | Mapping[str, float] = 0.8,
    years: int = 5,
    weeks: int = 2,
    equality: Equality = ">=",
) -> Alarms:
    """The last 7 days' sum against those of the same calendar days, ± `weeks` weeks, in each of the last `years` years.

    upper is the `percentile` of those years · (2 · weeks + 1) blocks, expected their median; the current year is not
    used. percentile may go by months, {"11-3": 0.65, "4-10": 0.5}; a block ends on the same date (29 February: on the
    28th). Blocks with a day missing are left out; fewer than 3 in 5 of them, or no 3 years, and every field is NaN.
    """
    _check(years, weeks, equality)
    levels = _by_month(percentile)[panel.time[start:].astype("datetime64[M]").astype(np.int64) % 12]
    width, ends = _blocks(panel, start, years, weeks)
    now = _sums(panel.y, np.arange(start, panel.y.shape[1]), width)
    blocks = _sums(panel.y, ends, width)  # (B, N, H)
    known = (~np.isnan(blocks)).reshape(years, 2 * weeks + 1, *now.shape)
    enough = (known.sum(axis=(0, 1)) >= LEAST_SHARE * len(blocks)) & (known.any(axis=1).sum(axis=0) >= min(years, 3))
    blocks = np.where(enough, np.sort(blocks, axis=0), np.nan)  # NaN sorts last
    upper, expected = _quantile(blocks, levels), _quantile(blocks, np.full(len(levels), 0.5))
    score = contract.score(now, expected, upper)
    score = np.where(now == 0, np.minimum(score, 0.0), score)  # that no one is ill reaches no threshold
    return Alarms(expected, upper, score, predictive.p_value(now, blocks, panel.kind))


def needs_moving_percentile(step: int, years: int = 5, weeks: int = 2) -> int:
    """The years, their leap days, the weeks around and the first block; MethodError unless steps are days or weeks."""
    require(step in (DAY, WEEK), "moving_percentile: steps are days or weeks; choose another method for this signal")
    return -(-(years * 366 + weeks * 7 + 7) * DAY // step)


def fixed_value(panel: Panel, start: int, *, value: float = 1.0) -> Alarms:
    """Any count at or over `value`, at once, with no baseline: for what should never be there. p is not claimed."""
    require(value > 0, f"fixed_value: value is {value}; it is more than 0 (1: any case at all)")
    y = panel.y[:, start:]
    return Alarms(np.zeros_like(y), np.full_like(y, value), y / value, np.full_like(y, np.nan))


def needs_fixed_value(step: int) -> int:
    """Nothing."""
    return 0


def _check(years: int, weeks: int, equality: str) -> None:
    require(years >= 1, f"moving_percentile: years is {years}; it is at least 1 (CIDARS: 3 to 5)")
    require(0 <= weeks <= 25, f"moving_percentile: weeks is {weeks}; it lies between 0 and 25 (CIDARS: 2)")
    require(equality in {">", ">="}, f'moving_percentile: equality is {equality!r}; write ">" or ">="')


def _blocks(panel: Panel, start: int, years: int, weeks: int) -> tuple[int, Ints]:
    """Steps in a 7-day block, and the index of each baseline block's last step: (B, H), years first."""
    needs_moving_percentile(panel.step, years, weeks)
    width = WEEK // panel.step
    days = panel.time.astype("datetime64[D]")
    tested = days[start:]
    ends = []
    for year in range(1, years + 1):
        anchor = _years_before(tested, year)
        for week in range(-weeks, weeks + 1):
            # Weekly steps: the week that began nearest the date; daily steps: that very day.
            offset = (anchor + 7 * week - days[0]).astype(np.int64) if len(days) else np.zeros(0, np.int64)
            ends.append(np.floor_divide(offset * width + (3 if width == 1 else 0), 7))
    return width, np.array(ends, dtype=np.int64).reshape(len(ends), len(tested))


def _years_before(days: Times, years: int) -> Times:
    """The same date so many years before; 29 February becomes the 28th."""
    month = days.astype("datetime64[M]")
    within = days - month.astype("datetime64[D]")
    earlier = month - 12 * years
    last = (earlier + 1).astype("datetime64[D]") - 1
    return np.asarray(np.minimum(earlier.astype("datetime64[D]") + within, last))


def _sums(y: Floats, ends: Ints, width: int) -> Floats:
    """Sums of the `width` steps that end at `ends` (…, H): (…, N, H); NaN where a step is missing or is not there."""
    last, place = np.unique(ends, return_inverse=True)
    inside = last - width + 1 >= 0
    usable = [np.where(inside, last - i, 0) for i in range(width)]
    found = np.where(inside, sum((y[:, u] for u in usable[1:]), start=y[:, usable[0]]), np.nan)
    return np.moveaxis(found[:, place.reshape(ends.shape)], 0, -2)


def _quantile(ascending: Floats, levels: Floats) -> Floats:
    """Linear quantile (R's type 7) of the known values of (B, N, H) in ascending order, one level a step."""
    count = (~np.isnan(ascending)).sum(axis=0)
    place = np.maximum(count - 1, 0) * levels
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(count - 1, 0))
    low = np.take_along_axis(ascending, below[None], axis=0)[0]
    high = np.take_along_axis(ascending, above[None], axis=0)[0]
    return np.asarray(low + (high - low) * (place - below))


def _by_month(percentile: float | Mapping[str, float]) -> Floats:
    """The level of each month, January first; MethodError for months that are none, twice or not given."""
    if not isinstance(percentile, Mapping):
        percentile = {"1-12": percentile}
    levels = np.full(12, np.nan)
    for months, level in percentile.items():
        require(0 < level < 1, f"moving_percentile: percentile is {level}; it lies between 0 and 1 (0.8: the 80th)")
        for month in _months(months):
            require(bool(np.isnan(levels[month])), f"moving_percentile: percentile names month {month + 1} twice")
            levels[month] = level
    missing = [str(m + 1) for m in np.flatnonzero(np.isnan(levels))]
    require(not missing, f"moving_percentile: percentile leaves out the months {', '.join(missing)}")
    return levels


def _months(text: str) -> Iterable[int]:
    """Months from 0: "11-3" is November to March, "6" is June, "1,7-8" January, July and August."""
    for part in text.split(","):
        ends = part.split("-")
        good = len(ends) <= 2 and all(e.strip().isdigit() and 1 <= int(e) <= 12 for e in ends)
        require(good, f'moving_percentile: months {text!r}; write "11-3", "6" or "1,7-8"')
        first, last = int(ends[0]) - 1, int(ends[-1]) - 1
        yield from ((first + i) % 12 for i in range((last - first) % 12 + 1))
