"""From the day it happened to the minute it was sent: reporting delays by source. Pure.

Minutes count from 1970-01-01T00:00 on the city's wall.
Every function takes days (n,) since 1970 and gives minutes (n,).
"""

import numpy as np

from tocsin.types import Floats, Ints

DAY = 1440


def emergency(rng: np.random.Generator, day: Ints) -> Ints:
    """Visits through the day; most sent within hours, one in six after the weekend clerk, days later."""
    visit = rng.beta(2.2, 2.0, len(day)) * DAY
    late = rng.uniform(size=len(day)) < 0.16
    wait = np.where(late, rng.gamma(1.6, 0.9 * DAY, len(day)), 20 + rng.exponential(200, len(day)))
    return _sent(day, visit + wait)


def laboratory(rng: np.random.Generator, day: Ints) -> Ints:
    """Specimens reported after about two days (log-normal), never on a Sunday."""
    sent = _sent(day, 0.6 * DAY + rng.lognormal(np.log(1.6 * DAY), 0.5, len(day)))
    return np.where((sent // DAY + 3) % 7 == 6, sent + DAY, sent)


def calls(rng: np.random.Generator, day: Ints) -> Ints:
    """Calls are sent as they are closed, within hours."""
    return _sent(day, rng.beta(2.5, 2.5, len(day)) * DAY + 5 + rng.exponential(90, len(day)))


def ward(rng: np.random.Generator, day: Ints) -> Ints:
    """Wards report who came in or died a day or so later, when the file is made up."""
    return _sent(day, 0.5 * DAY + rng.gamma(2.0, 0.5 * DAY, len(day)))


def school(rng: np.random.Generator, day: Ints) -> Ints:
    """Schools report before noon of the day."""
    return _sent(day, 9 * 60 + rng.gamma(4, 25, len(day)))


def sewage(rng: np.random.Generator, day: Ints) -> Ints:
    """A plant's sample takes two to four days in the laboratory, sent in the afternoon."""
    return _sent(day, rng.integers(2, 5, len(day)) * DAY + 14 * 60 + rng.integers(0, 180, len(day)))


def station(rng: np.random.Generator, day: Ints) -> Ints:
    """A day's mean is sent soon after midnight."""
    return _sent(day, DAY + 5 + rng.integers(0, 50, len(day)))


def later(rng: np.random.Generator, sent: Ints) -> Ints:
    """The moment of a correction: one to four days after the first report."""
    return sent + 60 + np.floor(rng.gamma(2, 0.7 * DAY, len(sent))).astype(np.int64)


def _sent(day: Ints, minutes: Floats | Ints) -> Ints:
    return day * DAY + np.floor(minutes).astype(np.int64)
