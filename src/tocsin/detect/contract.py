"""What a detector is: a tuple of facts around one pure function from a panel to its alarms. Pure.

A method is a plain function `method(panel, start, *, **parameters) -> Alarms` that speaks of steps `start … T-1` and
looks at nothing after the step it speaks of. Its companion `needs(step, **parameters) -> int` says how many steps it
must see before a tested one, for steps of `step` minutes. What it cannot say, for want of history or of the tested
value itself, is NaN.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import NoneType
from typing import Literal, NoReturn, get_args

import numpy as np
from numpy.typing import ArrayLike

from tocsin.calendar import DAY, Step
from tocsin.errors import MethodError
from tocsin.types import Alarms, Bools, Floats, Kind, Panel

Method = Callable[..., Alarms]
Needs = Callable[..., int]
Equality = Literal[">", ">="]

YEAR = 365.25 * DAY  # minutes
CELLS = 1 << 18  # tested cells a method is given at once
SYNONYMS = {"powertrans": "power_transform"}  # what R surveillance calls it, and what it is here
MOST = 1e18  # a count beyond it is a slip
FIELDS = ("expected", "upper", "score", "p")


@dataclass(frozen=True, slots=True)
class Detector:
    """A named method with its parameters; `detector()` makes one, `run` uses it.

    rule: the threshold alone opens an alert, whatever p says (p is NaN: the method claims no probability).
    equality: an alarm needs a score over 1 (">") or of at least 1 (">="); a parameter of this name overrides it.
    window: expected and upper speak of the sum of the last so many minutes; 0 = of the step alone.
    equals: the package whose numbers these are as they stand: compat of that name is taken and changes nothing.
    pools: the series of a panel are judged together, as areas of one region: each answer depends on all of them.
    default: what to take where nothing speaks for another: it is held against R's farringtonFlexible in
    docs/methods/evaluation.md. The others are what was published, with its own settings.
    says_no: (panel, start, **parameters) -> where (N, H) the published method says "no alarm" though it has no score.
    """

    name: str
    method: Method
    needs: Needs
    cite: str
    kinds: tuple[Kind, ...] = ("count",)
    rule: bool = False
    equality: Equality = ">"
    window: int = 0
    equals: str = ""
    pools: bool = False
    default: bool = False
    says_no: Callable[..., Bools] | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)

    def run(self, panel: Panel, start: int) -> Alarms:
        """Alarms of steps `start … T-1`, every field (N, T - start); MethodError for a panel it cannot judge."""
        self._check(panel, start)
        n, steps = panel.y.shape
        rows = max(CELLS // max(steps - start, 1), 1)
        if n <= rows or self.pools:
            return self.method(panel, start, **self.parameters)
        # Series are independent, so a long replay of many goes by blocks: memory is bounded, the answer the same.
        blocks = [slice(i, i + rows) for i in range(0, n, rows)]
        parts = [
            self.method(panel._replace(y=panel.y[b], exposure=panel.exposure[b]), start, **self.parameters)
            for b in blocks
        ]
        return Alarms(*(np.concatenate([getattr(p, f) for p in parts]) for f in FIELDS))

    def history(self, step: int) -> int:
        """Steps needed before the first tested one, for steps of `step` minutes; MethodError if it cannot use them."""
        named = inspect.signature(self.needs).parameters
        return self.needs(step, **{k: v for k, v in self.parameters.items() if k in named})

    def alarming(self, alarms: Alarms) -> Bools:
        """Which cells are alarms (N, H): NaN never is, nor is a score without anything it were measured by."""
        equality = self.parameters.get("equality", self.equality)
        measured = ~(np.isnan(alarms.expected) & np.isnan(alarms.upper))
        return np.asarray((alarms.score >= 1 if equality == ">=" else alarms.score > 1) & measured)

    def undecided(self, panel: Panel, start: int, alarms: Alarms) -> Bools:
        """Where (N, H) it can be said neither that there is an alarm nor that there is none."""
        unknown = np.isnan(alarms.score)
        if self.says_no is not None and unknown.any():
            unknown &= ~self.says_no(panel, start, **self.parameters)
        return np.asarray(unknown)

    def observed(self, y: Floats, step: int) -> Floats:
        """What expected and upper are compared with: y (N, T), or its moving sums, NaN where a step is missing."""
        width = max(self.window // step, 1)
        if width == 1 or y.shape[1] < width:
            return y if width == 1 else np.full_like(y, np.nan)
        sums = np.lib.stride_tricks.sliding_window_view(y, width, axis=1).sum(axis=2)
        return np.concatenate([np.full((len(y), width - 1), np.nan), sums], axis=1)

    def configured(self, **parameters: object) -> "Detector":
        """The same detector with these parameters; MethodError names an unknown one and lists what is allowed.

        Names are compared by their letters and digits alone: `min_sigma`, `minSigma` and `min.sigma` are one.
        """
        allowed = {letters(p): p for p in self.allowed()}
        allowed |= {k: v for k, v in SYNONYMS.items() if v in allowed.values()}
        given = {}
        for name, value in parameters.items():
            if name == "compat" and value == self.equals and "compat" not in allowed:
                continue
            if letters(name) not in allowed:
                known = ", ".join(self.allowed()) or "none"
                raise MethodError(f"{self.name} has no parameter {name!r}; its parameters are: {known}")
            own = allowed[letters(name)]
            given[own] = self._fitting(own, value)
        return replace(self, parameters={**self.parameters, **given})

    def _fitting(self, name: str, value: object) -> object:
        """The value as its parameter takes it (5.0 as 5 where it counts); MethodError for one of another kind."""
        parameter = inspect.signature(self.method).parameters[name]
        default, said = parameter.default, f"{self.name}: {name} is {value!r}; it takes"
        if value is None:
            require(default is None or NoneType in get_args(parameter.annotation), f"{said} a value, not null")
        elif isinstance(default, bool):
            require(isinstance(value, bool), f"{said} true or false")
        elif isinstance(default, int):
            if isinstance(value, int | float) and not isinstance(value, bool) and float(value).is_integer():
                return int(value)
            refuse(f"{said} a whole number")
        elif isinstance(default, float):
            # Some numbers may go by season: a table of months.
            require(isinstance(value, int | float | Mapping) and not isinstance(value, bool), f"{said} a number")
        elif isinstance(default, str):
            require(isinstance(value, str), f"{said} a word")
        return value

    def allowed(self) -> dict[str, object]:
        """The method's parameters and their defaults, in order."""
        found = list(inspect.signature(self.method).parameters.values())[2:]
        return {p.name: self.parameters.get(p.name, p.default) for p in found}

    def _check(self, panel: Panel, start: int) -> None:
        assert panel.y.ndim == 2, panel.y.shape
        assert panel.time.shape == panel.y.shape[1:], (panel.y.shape, panel.time.shape)
        assert 0 <= start <= panel.y.shape[1], (start, panel.y.shape)
        if panel.kind not in self.kinds:
            raise MethodError(f"{self.name} judges {' and '.join(self.kinds)} signals, not {panel.kind}")
        seen = panel.y[:, max(start - self.history(panel.step), 0) :]
        if np.isinf(seen).any():
            raise MethodError(f"{self.name}: a value is infinite; leave what is unknown missing (NaN)")
        if panel.kind == "count" and (seen < 0).any():
            raise MethodError(f"{self.name}: a count is negative; counts start at 0, what is unknown is missing (NaN)")
        if panel.kind == "count" and (seen > MOST).any():
            raise MethodError(f"{self.name}: a count is over 1e18; it is mistyped: leave what is unknown missing (NaN)")


def panel(
    y: ArrayLike,
    *,
    first: str = "2020-01-06",
    step: str = "1d",
    kind: Kind = "count",
    exposure: ArrayLike = np.nan,
    holiday: ArrayLike = False,
) -> Panel:
    """A panel from plain values: y (T,) or (N, T) of consecutive steps, the first of which holds the date `first`.

    exposure and holiday are given for every cell, step, or at once. ConfigError for a step that is none.
    """
    values = np.atleast_2d(np.asarray(y, dtype=np.float64))
    size = Step.parse(step)
    begin = size.floor(int(np.datetime64(first, "m").astype(np.int64)))
    time = (begin + size.minutes * np.arange(values.shape[1])).astype("datetime64[m]")
    return Panel(
        values,
        np.broadcast_to(np.asarray(exposure, dtype=np.float64), values.shape),
        time,
        size.minutes,
        kind,
        np.broadcast_to(np.asarray(holiday, dtype=np.bool_), time.shape),
    )


def steps_per_year(step: int) -> int:
    """Whole steps in a year: 365 days, 52 weeks, 12 months (a month's step is a twelfth of a year)."""
    return round(YEAR / step)


def score(y: Floats, expected: Floats, upper: Floats) -> Floats:
    """(y - expected) / (upper - expected); NaN wherever one of the three is.

    Where upper is not over expected: +inf if y is over upper, 1 on it, else -inf; that no one is ill is 0, not 1.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        usual = (y - expected) / (upper - expected)
    met = np.where(y > upper, np.inf, np.where(y == upper, np.where(y == 0, 0.0, 1.0), -np.inf))
    known = ~(np.isnan(y) | np.isnan(expected) | np.isnan(upper))
    return np.where(known, np.where(upper > expected, usual, met), np.nan)


def require(holds: bool, message: str) -> None:
    """MethodError with the message unless it holds."""
    if not holds:
        refuse(message)


def refuse(message: str) -> NoReturn:
    """Say what cannot be done, and what can."""
    raise MethodError(message)


def letters(name: str) -> str:
    """A name as names are compared: letters and digits, in lower case."""
    return "".join(c for c in name.lower() if c.isalnum())
