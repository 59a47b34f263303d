"""Small studies from SaTScan's files beside a search by brute force: kinds of data, windows and limits, mixed."""

import json
import math
import random
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tocsin.cli.scan import command
from tocsin.errors import TocsinError

EARTH = 6367.0
UNIT = {"year": "1", "month": "2", "day": "3", "generic": "4"}


def xlog(x: float, y: float) -> float:
    return x * math.log(x / y) if x > 0 else 0.0


def ratio(model: str, n: float, u: float, N: float, U: float) -> float:
    if model != "1":
        return xlog(n, u) + xlog(N - n, U - u) - xlog(N, U)
    whole = xlog(N, U) + xlog(U - N, U)
    return xlog(n, u) + xlog(u - n, u) + xlog(N - n, U - u) + xlog((U - u) - (N - n), U - u) - whole


class Drawn:
    """A random study: its parameter file, its data files, and all that the search needs, from first principles."""

    def __init__(self, seed: int) -> None:
        r = self.r = random.Random(seed)
        self.model = r.choice("0012")
        self.kind = r.choice("34" if self.model == "2" else "12346")
        self.prm: dict[str, object] = {"ModelType": self.model, "AnalysisType": self.kind, "MonteCarloReps": 0}
        self.files: dict[str, str] = {}
        self._time()
        self._space()
        self._limits()
        self.streams = [self._stream(s) for s in ["", "2"][: r.choice([1, 1, 2])]]
        self.adjust = len(self.streams) > 1 and r.random() < 0.5
        self.prm["MultipleDataSetsPurposeType"] = int(self.adjust)

    def _time(self) -> None:
        """Intervals from the end backwards, what is left over at the first one."""
        r = self.r
        self.unit, self.step = r.choice([("day", 1), ("day", 2), ("day", 7), ("month", 1), ("month", 3), ("year", 1),
                                         ("year", 2), ("generic", 1), ("generic", 3)])  # fmt: skip
        self.units = r.randint(4, 12) * self.step + r.randint(0, self.step - 1)
        self.undated = self.kind == "1" and self.unit == "day" and r.random() < 0.5
        last = {"day": date(2020, 3, 4), "month": date(2021, 1, 1), "year": date(2020, 1, 1)}.get(self.unit)
        end = self.units + 1 if last is None else last.toordinal()  # the day after

        def back(k: int) -> int:
            if self.unit in ("day", "generic"):
                return end - k
            months = k * (12 if self.unit == "year" else 1)
            year, month = divmod(last.year * 12 + last.month - 1 - months, 12)
            return date(year, month + 1, 1).toordinal()

        whole = self.units // self.step
        self.cuts = [back(self.units), *(back(k * self.step) for k in range(whole - 1, -1, -1))]
        if self.kind == "1":
            self.cuts = [self.cuts[0], end]
        self.T = len(self.cuts) - 1
        self.prm |= {
            "PrecisionCaseTimes": 0 if self.undated else 4 if self.unit == "generic" else 3,
            "StartDate": self.said(self.cuts[0]),
            "EndDate": self.said(end - 1),
            "TimeAggregationUnits": UNIT[self.unit],
            "TimeAggregationLength": self.step,
            "StudyPeriodCheckType": 1,
        }

    def said(self, day: int) -> str:
        return str(day) if self.unit == "generic" else date.fromordinal(day).strftime("%Y/%m/%d")

    def group(self, g: int) -> str:
        """A covariate, where there are any."""
        return f" g{g}" if self.groups > 1 else ""

    def _space(self) -> None:
        r = self.r
        L = r.randint(2, 7)
        self.earth = r.random() < 0.5
        axes = 2 if self.earth or r.random() < 0.7 else 3
        if self.earth:  # on both sides of 180°, and near the pole
            points = [(r.choice([r.uniform(-9, 9), r.uniform(88, 89.9)]), r.uniform(170, 190)) for _ in range(L)]
            points = [(lat, lon - 360 if lon > 180 else lon) for lat, lon in points]
        else:  # on a grid: ties and places at one point
            points = [tuple(r.choice([0.0, 1.0, 2.0]) for _ in range(axes)) for _ in range(L)]
        ids = [f"Pl {i}" if r.random() < 0.3 else f"L{i}" for i in range(L)]
        self.files["p.geo"] = "".join(f'"{i}" {" ".join(map(repr, p))}\n' for i, p in zip(ids, points, strict=True))
        space = [self._globe(p) if self.earth else p for p in points]
        first: dict[tuple[float, ...], int] = {}
        self.of: dict[str, int] = {}
        self.space: list[tuple[float, ...]] = []
        for i in sorted(range(L), key=lambda i: ids[i]):
            if space[i] not in first:
                first[space[i]] = len(self.space)
                self.space.append(space[i])
            self.of[ids[i]] = first[space[i]]
        self.temporal = self.kind in "26"
        if self.temporal:
            self.of = dict.fromkeys(ids, 0)
            self.space = self.space[:1]
        else:
            self.prm |= {"CoordinatesFile": "p.geo", "CoordinatesType": int(self.earth)}
        self.M = len(self.space)

    @staticmethod
    def _globe(p: tuple[float, ...]) -> tuple[float, ...]:
        lat, lon = math.radians(p[0]), math.radians(p[1])
        return EARTH * math.cos(lat) * math.cos(lon), EARTH * math.cos(lat) * math.sin(lon), EARTH * math.sin(lat)

    def _limits(self) -> None:
        r = self.r
        self.percent, self.rates, self.least = r.choice([20, 35, 50]), r.choice("1123"), r.choice([2, 2, 5])
        self.within = self.model != "2" and self.kind in "34" and r.random() < 0.3
        self.by_place = self.model == "0" and self.kind in "34" and not self.within and r.random() < 0.3
        self.longest = r.randint(1, self.units)
        share = r.random() < 0.5
        self.shortest = r.choice([1, 1, 2])
        self.prm |= {
            "MaxSpatialSizeInPopulationAtRisk": self.percent,
            "ScanAreas": self.rates,
            "MinimumCasesInHighRateClusters": self.least,
            "TimeTrendAdjustmentType": 4 if self.within else 0,
            "SpatialAdjustmentType": 2 if self.by_place else 0,
            "MaxTemporalSizeInterpretation": int(not share),
            "MaxTemporalSize": 50 if share else self.longest,
            "MinimumTemporalClusterSize": self.shortest,
        }
        if share:
            self.longest = self.units // 2
        self.reach = math.inf
        if r.random() < 0.3 and not self.temporal:
            km = r.choice([30, 700, 9000] if self.earth else [1, 2])
            self.prm |= {"UseDistanceFromCenterOption": "y", "MaxSpatialSizeInDistanceFromCenter": km}
            self.reach = 2 * EARTH * math.sin(km / (2 * EARTH)) if self.earth else km
        self.ovals: list[tuple[float, int]] = []
        self.power = 0.0
        if not self.earth and len(self.space[0]) == 2 and r.random() < 0.4 and not self.temporal:
            self.ovals, code = [(1.5, 2), (3.0, 4)], r.choice([0, 1, 2])
            self.power = code / 2
            self.prm |= {"SpatialWindowShapeType": 1, "EllipseShapes": "1.5,3", "EllipseAngles": "2,4",
                         "NonCompactnessPenalty": code}  # fmt: skip
        self.always = self.kind in "34" and not self.within and r.random() < 0.2
        self.prm["IncludePurelySpatial"] = "y" if self.always else "n"
        self.weekly = self.model == "2" and (self.unit, self.step) == ("day", 1)
        self.prm["AdjustForWeeklyTrends"] = "y" if self.weekly else "n"
        self.groups = r.choice([1, 2]) if self.model == "0" else 1
        self.risks = r.choice([0.5, 3.0]) if self.model == "0" and not self.temporal and r.random() < 0.3 else 1.0
        self.risky = r.choice(sorted(self.of))
        if self.risks != 1:
            self.files["r.adj"] = f'"{self.risky}" {self.risks}\n'
            self.prm |= {"UseAdjustmentsByRRFile": "y", "AdjustmentsByKnownRelativeRisksFilename": "r.adj"}

    def _rows(self, name: str, most: int) -> list[tuple[str, int, int, int]]:
        """Counts; some of them before or after the study."""
        r, (low, high) = self.r, (self.cuts[0], self.cuts[-1])
        spill = 0 if self.undated else 3
        rows = [
            (place, r.randint(0, most), r.randint(low - spill, high - 1 + spill), r.randrange(self.groups))
            for place in self.of
            for _ in range(r.randint(1, 6))
        ]
        self.files[name] = "".join(
            f'"{place}" {n}{"" if self.undated else " " + self.said(day)}{self.group(g)}\n' for place, n, day, g in rows
        )
        return rows

    def _counted(self, rows: list[tuple[str, int, int, int]]) -> dict[tuple[int, int], np.ndarray]:
        found: dict[tuple[int, int], np.ndarray] = {}
        for place, n, day, g in rows:
            t = 0 if self.undated else int(np.searchsorted(self.cuts, day, side="right")) - 1
            if self.undated or self.cuts[0] <= day < self.cuts[-1]:
                stratum = found.setdefault((g, day % 7 if self.weekly else 0), np.zeros((self.M, self.T)))
                stratum[self.of[place], t] += n
        return found

    def _stream(self, mark: str) -> tuple[np.ndarray, np.ndarray]:
        """Counts and what they are held against, (M, T)."""
        self.prm[f"CaseFile{mark}"] = f"c{mark}.cas"
        strata = self._counted(self._rows(f"c{mark}.cas", 4))
        n = sum(strata.values(), np.zeros((self.M, self.T)))
        if self.model == "1":
            self.prm[f"ControlFile{mark}"] = f"c{mark}.ctl"
            return n, n + sum(self._counted(self._rows(f"c{mark}.ctl", 5)).values(), np.zeros((self.M, self.T)))
        if self.model == "2":
            made = (np.outer(x.sum(1), x.sum(0)) / x.sum() for x in strata.values() if x.sum())
            return n, sum(made, np.zeros((self.M, self.T)))
        u = np.zeros((self.M, self.T))
        lines = []
        for g in range(self.groups):
            time = np.zeros((self.M, self.T))
            for place, m in self.of.items():
                years = sorted(self.r.sample(range(2012, 2024), self.r.randint(1, 3)))
                people = [self.r.randint(1, 900) for _ in years]
                lines += [f'"{place}" {y} {p}{self.group(g)}' for y, p in zip(years, people, strict=True)]
                at = years if self.unit == "generic" else [date(y, 7, 1).toordinal() for y in years]
                for t, (a, b) in enumerate(pairwise(self.cuts)):
                    marks = sorted({a, b, *(x for x in at if a < x < b)})
                    height = np.interp(marks, at, people)
                    time[m, t] += sum(np.diff(marks) * (height[1:] + height[:-1]) / 2)
            cases = sum(x.sum() for (group, _), x in strata.items() if group == g)
            u += time * cases / time.sum()
        self.files[f"c{mark}.pop"] = "\n".join(lines) + "\n"
        self.prm[f"PopulationFile{mark}"] = f"c{mark}.pop"
        return n, self._adjusted(n, u)

    def _adjusted(self, n: np.ndarray, u: np.ndarray) -> np.ndarray:
        if self.risks != 1:
            total = u.sum()
            u[self.of[self.risky]] *= self.risks
            u *= total / u.sum()
        if self.within:
            u = u * np.divide(n.sum(0), u.sum(0))
        if self.by_place:
            u = u * np.divide(n.sum(1), u.sum(1))[:, None]
        return u

    def windows(self) -> list[tuple[int, int]]:
        if self.kind == "1":
            return [(0, 1)]
        ends = [self.T] if self.kind in "46" else range(1, self.T + 1)
        lengths = range(-(-self.shortest // self.step), min(self.longest // self.step, self.T) + 1)
        found = [(e - k, e) for e in ends for k in lengths if e >= k]
        return [*found, (0, self.T)] if self.always else found

    def zones(self) -> list[tuple[list[int], float]]:
        """Members of every window in space, and what its shape costs."""
        if self.temporal:
            return [([0], 1.0)]
        weight = sum(u.sum(1) for _, u in self.streams)
        found = []
        for shape, turns in [(1.0, 1), *self.ovals]:
            for turn in range(turns):
                flat = [self._squeezed(p, shape, math.pi * turn / turns) for p in self.space]
                for c in range(self.M):
                    far = [math.dist(p, flat[c]) for p in flat]
                    near = sorted(range(self.M), key=lambda i, far=far: (round(far[i], 9), self.space[i]))
                    for k in range(1, self.M + 1):
                        heavy = weight[near[:k]].sum() > self.percent / 100 * weight.sum() * (1 + 1e-12)
                        if heavy or far[near[k - 1]] > self.reach:
                            break
                        found.append((near[:k], (4 * shape / (shape + 1) ** 2) ** self.power))
        return found

    @staticmethod
    def _squeezed(p: tuple[float, ...], shape: float, angle: float) -> tuple[float, ...]:
        if shape == 1:
            return p
        cos, sin = math.cos(angle), math.sin(angle)
        return (p[0] * cos + p[1] * sin) / shape, p[1] * cos - p[0] * sin

    def best(self) -> float:
        return max((self._judged(*zone, a, b) for zone in self.zones() for a, b in self.windows()), default=0.0)

    def _judged(self, members: list[int], cost: float, a: int, b: int) -> float:
        """Streams with excess add up; as an adjustment, those that go the other way are taken off."""
        high = low = cases = all_cases = 0.0
        for n, u in self.streams:
            x, y = n[members, a:b].sum(), u[members, a:b].sum()
            N, U = (v[:, a:b].sum() if self.within else v.sum() for v in (n, u))
            all_cases += x
            if abs(x * U - y * N) <= 1e-9 * max(x * U, 1):
                continue
            if x * U > y * N:
                high, cases = high + ratio(self.model, x, y, N, U), cases + x
            else:
                low += ratio(self.model, x, y, N, U)
        if self.adjust:
            high, low, cases = high - low, low - high, all_cases
        wanted = [high] if self.rates in "13" and cases >= self.least else []
        return cost * max([0.0, *wanted, *([low] if self.rates in "23" else [])])


@pytest.mark.parametrize("block", range(8))
def test_the_best_cluster_is_the_best_of_all(block: int, tmp_path: Path) -> None:
    found = refused = 0
    for seed in range(block * 25, block * 25 + 25):
        drawn = Drawn(seed)
        for name, text in drawn.files.items():
            (tmp_path / name).write_text(text)
        (tmp_path / "run.prm").write_text("[Input]\n" + "".join(f"{k}={v}\n" for k, v in drawn.prm.items()))
        out = tmp_path / "found.json"
        done = CliRunner().invoke(command, ["--prm", str(tmp_path / "run.prm"), "--out", str(out), "--threads", "1"])
        if done.exit_code:
            assert isinstance(done.exception, TocsinError), seed
            assert "longest window" in str(done.exception), seed
            refused += 1
            continue
        clusters = json.loads(out.read_text())["clusters"]
        best = drawn.best()
        assert (clusters[0]["llr"] if clusters else 0.0) == pytest.approx(best, rel=1e-7, abs=1.1e-3), seed
        found += bool(clusters)
    assert found > 10
    assert refused < 8
