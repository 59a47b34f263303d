"""Who infects whom between areas that commute, and R restated for it. Pure.

Shapes: A areas, L past steps, M draws, K interval lags (0 …). A person of area a spends a share p_aj of contact time in
area j. Whom a case of b infects is anyone met there, so of its infections the share that lives in a is

    m_ab = Σ_j p_bj · p_aj N_a / Σ_c p_cj N_c ,    Σ_a m_ab = 1

(proportionate mixing at each place: Keeling & Rohani 2008, ch. 7.2).
"""

import numpy as np

from tocsin.errors import MethodError
from tocsin.types import Floats

RECENT, BELIEF = 14, 10.0  # steps, and cases' worth of belief that an area is infected as by its own cases


def mixing(flows: Floats, population: Floats, away: float = 0.5) -> Floats:
    """m (A, A), columns sum to 1, of `flows` (A, A): people who live in the row's area and go to the column's each day.

    Who is in no flow stays in the area; `away` is the share of contacts made where the day is spent. MethodError for
    flows below 0, or of more people than live there.
    """
    flows, population = np.array(flows, dtype=np.float64), np.asarray(population, dtype=np.float64)
    areas = population.size
    if flows.shape != (areas, areas) or not (population > 0).all() or not 0 <= away <= 1:
        raise MethodError(f"flows {flows.shape} for {areas} areas: one row and column an area, people above 0")
    np.fill_diagonal(flows, 0)
    leave = flows.sum(axis=1)
    if not np.isfinite(flows).all() or (flows < 0).any() or (leave > population).any():
        raise MethodError("flows between areas: numbers from 0 up, and no more people than live in the area they leave")
    share = away * flows / population[:, None]
    share += np.diag(1 - share.sum(axis=1))
    present = share * population[:, None]
    return np.asarray((present / present.sum(axis=0)) @ share.T)


def restated(r: Floats, past: Floats, weights: Floats, mixed: Floats) -> Floats:
    """R (A, M) that was found from each area's own cases, as R against the pressure of all areas together.

    past (A, L, M). An area infected mostly from outside has a lower R of its own than its own cases alone suggest. The
    newest RECENT steps decide; where they hold few cases, little is changed.
    """
    length = past.shape[1]
    recent = np.zeros((past.shape[0], past.shape[2]))
    for back in range(min(RECENT, length)):
        lags = np.arange(1, min(weights.size, length - back))
        recent += np.einsum("k,akm->am", weights[lags], past[:, length - 1 - back - lags])
    return np.asarray(r * (recent + BELIEF) / (mixed @ recent + BELIEF))
