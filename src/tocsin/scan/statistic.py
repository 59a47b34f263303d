"""How unusual a window is: log likelihood ratios of observed counts against expected ones. Pure.

n observed and u expected inside the window, N and U in all. For the Bernoulli model u and U are cases + controls.
"""

import math
from typing import Final

import numpy as np

from tocsin.scan.bare import bare

POISSON: Final = 0  # conditional on the total: Kulldorff (1997), Comm. Stat. 26:1481, section 3.2; also permutation
BERNOULLI: Final = 1  # Kulldorff (1997), section 3.1
EXPECTATION: Final = 2  # not conditional: Neill et al. (2005), C ln(C/B) + B − C
SCORE: Final = 3  # negative binomial score: Tango et al. (2011), n, u already weighted by 1/(1 + mean/dispersion)

HIGH: Final = 1
LOW: Final = 2
BOTH: Final = 3
TIED: Final = 1e-9  # log likelihood ratios closer than this are the same


@bare
def _xlog(x: float, y: float) -> float:
    """x ln(x/y), 0 at x = 0."""
    return x * math.log(x / y) if x > 0 else 0.0


@bare
def llr(kind: int, n: float, u: float, N: float, U: float) -> float:
    """The log likelihood ratio of one window (≥ 0 up to rounding); its direction is not looked at."""
    if kind == POISSON:
        return _xlog(n, u) + _xlog(N - n, U - u) - _xlog(N, U)
    if kind == BERNOULLI:
        inside = _xlog(n, u) + _xlog(u - n, u)
        outside = _xlog(N - n, U - u) + _xlog((U - u) - (N - n), U - u)
        return inside + outside - _xlog(N, U) - _xlog(U - N, U)
    if kind == EXPECTATION:
        return _xlog(n, u) + u - n
    return (n - u) * (n - u) / (2.0 * u) if u > 0 else 0.0


@bare
def direction(kind: int, n: float, u: float, N: float, U: float) -> int:
    """HIGH if more than expected, LOW if fewer, 0 if just as many."""
    left, right = (n, u) if kind >= EXPECTATION else (n * U, u * N)
    if left > right:
        return HIGH
    return LOW if left < right else 0


@bare
def bound(kind: int, n: float, u: float, N: float, U: float) -> float:
    """A number the log likelihood ratio does not exceed, without logarithms: Pearson's χ² bounds the divergence."""
    if kind == POISSON:
        e = u * (N / U)
        return (n - e) * (n - e) * (1.0 / e + 1.0 / (N - e)) if 0 < e < N else math.inf
    if kind == BERNOULLI:
        e = u * (N / U)
        if e <= 0 or e >= N or e >= u or U - u <= N - e:
            return math.inf
        return (n - e) * (n - e) * (1.0 / e + 1.0 / (N - e) + 1.0 / (u - e) + 1.0 / ((U - u) - (N - e)))
    return (n - u) * (n - u) / u if u > 0 else math.inf


@bare
def no_better(kind: int, n: float, u: float, N: float, U: float, best: float) -> bool:
    """Whether the bound says that the log likelihood ratio does not exceed `best`; Poisson without a division."""
    if kind == POISSON and 0 < u < U:
        gap = n * U - u * N
        return gap * gap <= best * (u * N * (U - u))
    return bound(kind, n, u, N, U) <= best


def relative_risk(kind: int, n: float, u: float, N: float, U: float) -> float:
    """Risk inside over risk outside the window; infinite when nothing is outside, NaN when nobody is at risk."""
    if u <= 0:
        return math.nan
    if kind >= EXPECTATION:
        return n / u
    outside = (N - n) / (U - u) if u < U else math.nan
    return (n / u) / outside if outside > 0 else (math.inf if n > 0 else math.nan)


@bare
def risk_within(kind: int, n: float, u: float, N: float, U: float, floor: float, ceiling: float, way: int) -> bool:
    """Whether the relative risk keeps to the floor (high) or ceiling (low); 0 = no limit. Division-free."""
    if (way == HIGH and floor <= 0) or (way == LOW and ceiling <= 0):
        return True
    inside, outside = (n, u) if kind >= EXPECTATION else (n * (U - u), u * (N - n))
    return inside >= floor * outside if way == HIGH else inside <= ceiling * outside


def code(model: str) -> int:
    """The statistic of a model."""
    return {"poisson": POISSON, "permutation": POISSON, "bernoulli": BERNOULLI, "ebp": EXPECTATION, "ebnb": SCORE}[
        model
    ]


def ways(rates: str) -> int:
    """The directions searched."""
    return {"high": HIGH, "low": LOW, "both": BOTH}[rates]


def penalty(shape: float, strength: float) -> float:
    """Elliptic windows: (4s/(s+1)²)^a, Kulldorff et al. (2006), Stat. Med. 25:3929."""
    return float(np.power(4.0 * shape / (shape + 1.0) ** 2, strength))
