"""Of many p-values at once, which to believe: false discoveries held to a share, flat and by families. Pure."""

from collections.abc import Sequence

import numpy as np

from tocsin.types import Bools, Floats, Ints


def adjusted(p: Floats, *, dependent: bool = False) -> Floats:
    """The smallest share of false discoveries at which each of p, of any shape, would be believed; NaN has no vote.

    min over k ≥ rank of m p(k) / k, at most 1 (Benjamini and Hochberg 1995, J R Stat Soc B 57: 289). Holds for
    independent p-values and for those that depend on each other positively. dependent: times 1 + 1/2 + … + 1/m, which
    holds however they depend (Benjamini and Yekutieli 2001, Ann Stat 29: 1165, theorem 1.3).
    """
    assert not ((p < 0) | (p > 1)).any(), "p-values lie between 0 and 1"
    flat = p.reshape(-1)
    order = np.argsort(flat, kind="stable")[: int(np.sum(~np.isnan(flat)))]  # NaN comes last
    rank = np.arange(1, len(order) + 1)
    price = float((1 / rank).sum()) if dependent else 1.0
    steps = flat[order] * len(order) / rank * price
    out = np.full(flat.shape, np.nan)
    out[order] = np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0)
    return out.reshape(p.shape)


def discoveries(p: Floats, level: float, *, dependent: bool = False) -> Bools:
    """Which of p (any shape) are believed, so that on average at most a share `level` of them is false."""
    return np.asarray(adjusted(p, dependent=dependent) <= level)


def by_families(p: Floats, families: Sequence[Ints], level: float) -> list[Bools]:
    """Top down through nested families: which are believed at each level, the p-values (N,) themselves last.

    families: for each level, coarsest first, the family each p-value is of (N,), any labels: a signal's, then its
    district's within it. Labels are read within the family above, so they nest. Each answer is (N,): at the inner
    levels, whether the p-value's family is believed to hold anything at all.

    A family's p is Simes' of its members. The families of a family are judged by Benjamini-Hochberg at
    level × Π (believed / all) over the families above (Benjamini and Bogomolov 2014, J R Stat Soc B 76: 297; for trees
    Bogomolov, Peterson, Benjamini and Sabatti 2021, Biometrika 108: 575). Held to `level`: at the first level the share
    of false families; below, that share on average over the believed families. The share of all p-values believed
    is not held: one family with many may outweigh the others.
    """
    nodes = _nested(families, len(p))
    values = _upward(p, nodes)
    allowed = np.full(len(p), level)
    out, parent = [], np.zeros(len(p), np.int64)
    for node, value in zip(nodes, values, strict=True):
        believed = np.zeros(len(p), np.bool_)
        for inside in _together(parent):
            if allowed[inside].max() <= 0:
                continue
            _, members = np.unique(node[inside], return_index=True)
            said = value[inside[members]]  # one p-value stands for each member
            found = discoveries(said, float(allowed[inside[0]]))
            chosen = np.isin(node[inside], node[inside[members[found]]])
            believed[inside] = chosen
            share = found.sum() / max(int(np.sum(~np.isnan(said))), 1)
            allowed[inside] = np.where(chosen, allowed[inside] * share, 0.0)
        out.append(believed)
        parent = node
    return out


def _nested(families: Sequence[Ints], n: int) -> list[Ints]:
    """Numbers of the families of each level (N,), told apart by those above them, and of the p-values themselves."""
    out, above = [], np.zeros(n, np.int64)
    for labels in families:
        assert labels.shape == (n,), (labels.shape, n)
        above = np.unique(np.stack([above, labels]), axis=1, return_inverse=True)[1].reshape(-1)
        out.append(above)
    return [*out, np.arange(n)]


def _upward(p: Floats, nodes: Sequence[Ints]) -> list[Floats]:
    """Each level's p-values spread over the members (N,): Simes' of the level below."""
    out = [p]
    for family, member in zip(nodes[-2::-1], nodes[:0:-1], strict=True):
        _, first = np.unique(member, return_index=True)
        value = np.full(len(p), np.nan)
        for inside in _together(family[first]):
            said = np.sort(out[0][first[inside]])
            votes = int(np.sum(~np.isnan(said)))
            if votes:
                value[first[inside]] = np.min(said[:votes] * votes / np.arange(1, votes + 1))
        # Every p-value of a family carries the family's.
        carried = np.full(int(family.max(initial=0)) + 1, np.nan)
        carried[family[first]] = value[first]
        out.insert(0, carried[family])
    return out


def _together(labels: Ints) -> list[Ints]:
    """The positions of each label, label by label."""
    order = np.argsort(labels, kind="stable").astype(np.int64)
    edges = np.flatnonzero(np.diff(labels[order])) + 1
    return np.split(order, edges) if len(order) else []
