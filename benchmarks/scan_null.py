"""How often a scan cries wolf, and what it finds: null studies at p ≤ 0.05, planted clusters and how much of them.

    python benchmarks/scan_null.py [--studies N] [--replicates R]

100 places at random, 30 days, 300 cases. Null: cases fall by the model's own rule. Planted: the five nearest places of
a random one have so many times the risk over the last 5 days. Overlap: places shared / places in either (Jaccard).
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from tocsin.scan import Settings, Stream, Study, scan

L, T, CASES = 100, 30, 300


def study(model: str, rng: np.random.Generator, risk: float) -> tuple[Study, set[str]]:
    """One made-up study of a model, and the names of the places whose risk is raised."""
    points = rng.uniform(0, 10, (L, 2))
    people = np.outer(rng.gamma(2, 1, L), np.ones(T))
    ill = np.argsort(((points - points[rng.integers(L)]) ** 2).sum(axis=1))[:5]
    raised = people.copy()
    raised[ill, -5:] *= risk
    names = tuple(f"{i:03d}" for i in range(L))
    cases = rng.multinomial(CASES, (raised / raised.sum()).ravel()).reshape(L, T)
    held = people * (CASES / people.sum())
    if model == "bernoulli":
        held = rng.multinomial(3 * CASES, (people / people.sum()).ravel()).reshape(L, T) * 1.0
    made = Study(names, points, False, np.arange(T + 1), (Stream(cases, None if model == "permutation" else held),))
    return made, {names[i] for i in ill}


def main() -> None:
    """A line a model: false alarms by rank and by Gumbel; for each risk, how often found, and the overlap then."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--replicates", type=int, default=199)
    options = parser.parse_args()
    for model in ("permutation", "poisson", "bernoulli"):
        asked = Settings(model=model, prospective=True, max_window=7, replicates=options.replicates, threads=1)
        for risk in (1.0, 4.0, 8.0):
            rng = np.random.default_rng(20240229)
            rank = gumbel = 0
            overlap: list[float] = []
            n = options.studies if risk == 1 else options.studies // 5
            for i in range(n):
                made, truth = study(model, rng, risk)
                found = scan(made, replace(asked, seed=i)).clusters
                if not found:
                    continue
                rank += found[0].p <= 0.05
                gumbel += found[0].gumbel_p <= 0.05
                if found[0].p <= 0.05:
                    overlap.append(len(truth & set(found[0].members)) / len(truth | set(found[0].members)))
            told = (
                f"{model:12s} risk {risk:g}: {n} studies, p <= 0.05 by rank {rank / n:.3f}, by Gumbel {gumbel / n:.3f}"
            )
            print(told + (f", overlap {np.mean(overlap):.2f}" if risk > 1 and overlap else ""), flush=True)


if __name__ == "__main__":
    main()
