"""`tocsin rt` against the formulae written as loops, on files of every make: order, gaps, windows, intervals."""

import math
import random
from datetime import date, timedelta

import pytest
from click.testing import CliRunner
from scipy.stats import gamma

from tocsin.cli.rt import command

LEVELS = (0.025, 0.05, 0.25, 0.5, 0.75, 0.95, 0.975)


def discretised(mean, sd, steps):
    """Cori et al. 2013, web appendix 11, lag by lag."""
    a, b = ((mean - 1) / sd) ** 2, sd**2 / (mean - 1)

    def cdf(k, shape):
        return float(gamma.cdf(k, shape, scale=b)) if k > 0 else 0.0

    return [
        max(0.0, k * cdf(k, a) + (k - 2) * cdf(k - 2, a) - 2 * (k - 1) * cdf(k - 1, a)
            + a * b * (2 * cdf(k - 1, a + 1) - cdf(k - 2, a + 1) - cdf(k, a + 1)))
        for k in range(steps)
    ]  # fmt: skip


def by_window(local, imported, weights, windows, mean, sd):
    """Mean, sd and quantiles of each window; None where it ends no later than the mean interval."""
    total = [x + y for x, y in zip(local, imported, strict=True)]
    own = [0, *local[1:]]  # nobody knows who infected the first
    force = [sum(total[t - s] * weights[s] for s in range(1, t + 1) if s < len(weights)) for t in range(len(total))]
    usual = math.fsum(k * w for k, w in enumerate(weights))
    found = []
    for start, end in windows:
        shape = (mean / sd) ** 2 + sum(own[start - 1 : end])
        scale = 1 / (mean / sd**2 + sum(force[start - 1 : end]))
        said = [shape * scale, math.sqrt(shape) * scale, *(gamma.ppf(q, shape, scale=scale) for q in LEVELS)]
        found.append(((start, end), None if end <= usual else said))
    return found


def by_cohort(total, weights, windows):
    """Wallinga & Teunis 2004: mean infected by a case of each window; windows that EpiEstim answers."""
    steps, lag = len(total), lambda k: weights[k] if 0 <= k < len(weights) else 0.0
    force = [sum(total[s] * lag(t - s) for s in range(steps)) for t in range(steps)]
    caused = [sum(total[t] * lag(t - j) / force[t] for t in range(steps) if force[t] > 0) for j in range(steps)]
    with_cases = [(s, e) for s, e in windows if sum(total[s - 1 : e])]
    first = next((i for i, (s, _) in enumerate(with_cases, 1) if sum(total[: s - 1])), len(with_cases) + 1)
    return [
        ((s, e), [sum(total[j] * caused[j] for j in range(s - 1, e)) / sum(total[s - 1 : e])])
        for s, e in with_cases
        if s >= first
    ]


def written(path, columns, rows):
    lines = [",".join(columns), *(",".join("" if x is None else repr(x).strip("'") for x in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return str(path)


def interval(rnd, folder, steps):
    """Weights, and the option that gives them: a mean and an sd, or a file (longer or shorter, in any order)."""
    if rnd.random() < 0.4:
        mean, sd = round(rnd.uniform(1.1, 12), 2), round(rnd.uniform(0.3, 6), 2)
        return discretised(mean, sd, steps), ["--si-mean", str(mean), "--si-sd", str(sd)]
    size = rnd.choice([rnd.randint(2, 6), steps, steps + 15])
    parts = [0.0, *(rnd.random() for _ in range(size - 1))]
    scale = sum(parts) * rnd.choice([1, 1, 1.005, 0.995])
    weights = [x / scale for x in parts]
    lags = rnd.sample(range(size), size)
    return weights, ["--si-weights", written(folder / "si.csv", ["k", "w"], [(k, weights[k]) for k in lags])]


def cases(rnd, folder, local, imported):
    """The file: by t or by date, columns and lines in any order, days without cases perhaps left out."""
    columns = [rnd.choice(["t", "date"]), "local", *(["imported"] if imported else [])]
    rows = []
    for i, count in enumerate(local):
        other = [imported[i]] if imported else []
        if 0 < i < len(local) - 1 and not count and not any(other) and rnd.random() < 0.5:
            continue
        rows.append([i + 1 if columns[0] == "t" else str(date(2024, 2, 20) + timedelta(i)), count, *other])
    order = rnd.sample(range(len(columns)), len(columns))
    rnd.shuffle(rows)
    return written(folder / "c.csv", [columns[i] for i in order], [[row[i] for i in order] for row in rows])


@pytest.mark.parametrize("seed", range(24))
def test_a_file_of_any_make_gives_what_the_formulae_say(tmp_path, seed):
    rnd = random.Random(seed)
    steps, rate = rnd.randint(8, 50), rnd.choice([0.3, 2, 20, 400])
    local = [int(rnd.expovariate(1 / rate)) for _ in range(steps)]
    imported = [int(rnd.expovariate(2 / rate)) for _ in range(steps)] if rnd.random() < 0.5 else None
    weights, how = interval(rnd, tmp_path, steps)
    length = rnd.randint(1, steps - 1)
    windows = [(s, s + length - 1) for s in range(2, steps - length + 2)]
    asked = ["--window", str(length)]
    if rnd.random() < 0.6:  # of any length, overlapping, in any order
        windows = [(s, rnd.randint(s, steps)) for s in (rnd.randint(2, steps) for _ in range(rnd.randint(1, 12)))]
        asked = ["--windows", written(tmp_path / "w.csv", ["t_end", "t_start"], [(e, s) for s, e in windows])]
    prior = round(rnd.uniform(0.5, 8), 2), round(rnd.uniform(0.3, 8), 2)
    cohort = seed % 3 == 0
    more = ["--method", "wallinga-teunis"] if cohort else ["--prior-mean", str(prior[0]), "--prior-sd", str(prior[1])]
    done = CliRunner().invoke(command, [cases(rnd, tmp_path, local, imported), *how, *asked, *more])
    assert done.exit_code == 0, done.exception
    lines = [line.split(",") for line in done.stdout.splitlines()]
    abroad = imported or [0] * steps
    expected = (
        by_cohort([x + y for x, y in zip(local, abroad, strict=True)], weights, windows)
        if cohort
        else by_window(local, abroad, weights, windows, *prior)
    )
    assert lines[0] == ["t_start", "t_end", "mean", "sd", *(f"q{q:g}" for q in LEVELS)]
    assert [(int(x[0]), int(x[1])) for x in lines[1:]] == [window for window, _ in expected]
    for line, (_, said) in zip(lines[1:], expected, strict=True):
        if said is None:
            assert set(line[2:]) == {""}
        else:
            assert [float(x) for x in line[2 : 2 + len(said)]] == pytest.approx(said, rel=1e-9, abs=1e-12)
