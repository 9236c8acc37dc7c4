"""The losses of smooth ranks in extended precision, with the absolute terms that errors are relative to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import rankgrad as rg

from reference_listwise import Array, mrr_of_ranks, ndcg_of_ranks, sigmoid
from remembered import remembered

CUTOFF = 9
LOSSES: dict[str, Callable[..., Any]] = {
    "ndcg": rg.ApproxNDCGLoss,
    "ndcg_at_9": lambda t, **options: rg.ApproxNDCGLoss(t, k=CUTOFF, **options),
    "mrr": rg.ApproxMRRLoss,
}


@dataclass
class Exact:
    """Results by z in extended precision; `terms` of each, the sums of their absolute terms."""

    results: dict[str, Array]
    terms: dict[str, Array]


@remembered
def exact(name: str, y: Array, scores: Array, vector: Array, temperature: float) -> Exact:
    """By the formulas at the top of cpp/kernels/listwise/smooth_ranks.hpp.

    The terms of b = sigma'' are counted as a = sigma', since b vanishes where it is steepest. Where the
    metric has a cutoff, slopes and curvatures change with the ranks on the scale of its width: so does their rounding.
    """
    z, t = scores.astype(np.longdouble) / np.longdouble(temperature), np.longdouble(temperature)
    v = vector.astype(np.longdouble) - vector.astype(np.longdouble).mean()
    d = z[:, None] - z[None, :]  # [k, i]
    others = ~np.eye(len(z), dtype=bool)
    p, q = sigmoid(d) * others, sigmoid(-d) * others
    a = p * q
    b = a * (q - p)
    rank = 1 + q.sum(1)
    if name == "mrr":
        value, f, c = mrr_of_ranks(rank, y)
        sharp = np.zeros_like(rank)
    else:
        value, f, c = ndcg_of_ranks(rank, y, CUTOFF if name == "ndcg_at_9" else None, t)
        sharp = rank / t * (name == "ndcg_at_9" and len(z) > CUTOFF)
    size_f, size_c = np.abs(f) * (1 + sharp), (np.abs(c) + np.abs(f) / t * (sharp > 0)) * (1 + sharp)
    change, size_change = a @ v - v * a.sum(1), a @ np.abs(v) + np.abs(v) * a.sum(1)
    width, bend, both = a.sum(1), b.sum(1), a @ size_f + size_f * a.sum(1)
    y_, size_y = c * change, size_c * size_change
    product = (a @ y_ - y_ * width) + (v * (b @ f) - b @ (f * v) - f * v * bend + f * (b @ v))
    size_v = np.abs(v)
    product_terms = (a @ size_y + size_y * width) + (
        size_v * both + a @ (size_f * size_v) + size_f * (a @ size_v)
    )
    hess_terms = (a * a) @ size_c + size_c * width**2 + both
    return Exact(
        {
            "value": np.asarray(value),
            "grad": (a @ f - f * width) / t,
            "hess": ((a * a) @ c + c * width**2 + b @ f - f * bend) / t**2,
            "positive": (a @ np.abs(f) + np.abs(f) * width) / t**2,
            "hessp": product / t**2,
        },
        {
            "value": np.asarray(np.abs(value) * (1 + sharp.max(initial=0))),
            "grad": both / t,
            "hess": hess_terms / t**2,
            "positive": both / t**2,
            "hessp": product_terms / t**2,
        },
    )


def worst_errors(got: dict[str, Array], want: Exact, s: Array, t: float) -> dict[str, float]:
    """Errors relative to the terms; what the rounding of score / t does to a margin is not counted, nor underflow: sums
    below 1e-280 may be of slopes whose far terms are below 1e-290, which are dropped."""
    rounding = 8 * np.finfo(np.float64).eps * np.abs(s.astype(np.float64)).max(initial=0.0) / t
    tiny = max(np.finfo(s.dtype).tiny, 1e-280)
    return {
        key: float(
            np.max(
                np.maximum(np.abs(got[key] - want.results[key]) - rounding * terms - tiny, 0)
                / np.maximum(terms, tiny),
                initial=0,
            )
        )
        for key, terms in want.terms.items()
    }
