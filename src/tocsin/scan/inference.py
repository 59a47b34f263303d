"""From the maxima of replicates to p-values and recurrence intervals. Pure."""

import math
from typing import NamedTuple

import numpy as np

from tocsin.scan.statistic import TIED
from tocsin.types import Floats

EULER = 0.5772156649
SMALLEST = 1e-17  # below this a Gumbel p-value is not told apart from 0


class Tail(NamedTuple):
    """A Gumbel distribution: mode μ and scale β."""

    mu: float
    beta: float


def rank(statistic: float, maxima: Floats) -> int:
    """1 + the number of replicates at least as extreme (to 1e-9): the p-value is rank / (replicates + 1)."""
    return 1 + int((maxima >= statistic - TIED).sum())


def faintest(maxima: Floats, replayed: bool) -> float:
    """The statistic below which a cluster is not worth reporting: every replicate is as extreme (R > 0).

    Not replayed, the replicates stand for others that were not drawn (SaTScan's): then what one of a hundred such
    sets of R would still have reported stays, by a Gumbel distribution.
    """
    least = float(maxima.min()) + TIED
    if replayed:
        return least
    tail = gumbel(maxima)
    return min(least, tail.mu - tail.beta * math.log(math.log(100.0 * (len(maxima) + 1))))


def gumbel(maxima: Floats) -> Tail:
    """The Gumbel distribution with the maxima's mean and (population) variance; Abrams et al. (2010), IJHG 9:61."""
    beta = float(maxima.std()) * math.sqrt(6) / math.pi
    return Tail(float(maxima.mean()) - EULER * beta, beta)


def gumbel_p(statistic: float, tail: Tail) -> float:
    """The chance of a maximum at least as large; not below 1e-17. NaN when the replicates do not vary."""
    if not tail.beta > 0:
        return math.nan
    z = (tail.mu - statistic) / tail.beta
    return max(-math.expm1(-math.exp(min(z, 700.0))), SMALLEST)


def extreme_value_p(statistic: float, maxima: Floats) -> float:
    """The same from a generalised extreme value distribution by L-moments; Hosking et al. (1985), Technometrics 27."""
    x = np.sort(maxima)
    n = len(x)
    if n < 20 or not x[-1] > x[0]:
        return math.nan
    i = np.arange(n)
    b0, b1 = x.mean(), (i * x).sum() / (n * (n - 1))
    b2 = (i * (i - 1) * x).sum() / (n * (n - 1) * (n - 2))
    l2, l3 = 2 * b1 - b0, 6 * b2 - 6 * b1 + b0
    c = 2 / (3 + l3 / l2) - math.log(2) / math.log(3)
    k = 7.8590 * c + 2.9554 * c * c  # approximation of the shape, error below 9e-4
    if abs(k) < 1e-6:
        return gumbel_p(statistic, Tail(b0 - EULER * l2 / math.log(2), l2 / math.log(2)))
    scale = l2 * k / ((1 - 2**-k) * math.gamma(1 + k))
    place = b0 - scale * (1 - math.gamma(1 + k)) / k
    inside = 1 - k * (statistic - place) / scale  # of the distribution's support, while above 0
    if inside <= 0:
        return 0.0 if k > 0 else 1.0
    return -math.expm1(-math.exp(min(math.log(inside) / k, 700.0)))


def stop_at(best: float, maxima: Floats, threshold: int) -> int:
    """How many replicates a sequential run looks at: it stops when `threshold` maxima exceed the best cluster.

    Besag & Clifford (1991), Biometrika 78:301.
    """
    above = np.flatnonzero(maxima > best)
    return int(above[threshold - 1]) + 1 if len(above) >= threshold else len(maxima)


def recurrence_days(p: float, days: float, analyses: int) -> float:
    """Days in which chance shows one such cluster: D / (1 − (1 − p)^(1/A)); Kleinman et al. (2004), AJE 159:217."""
    if not 0 < p <= 1:
        return math.nan
    each = p if analyses == 1 else -math.expm1(math.log1p(-p) / analyses) if p < 1 else 1.0
    return max(days / each, 1.0)
