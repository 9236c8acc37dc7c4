"""Value and gradient of the pairwise losses in NumPy and in loops compiled by numba, one list per row."""

from __future__ import annotations

from functools import lru_cache
from math import exp, log1p
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def value_and_grad(loss: str, labels: Array, scores: Array) -> tuple[float, Array]:
    """The sum of the loss and its gradient by the n x n matrix of each list's margins."""
    value, grad = 0.0, np.empty_like(scores)
    for row, (y, s) in enumerate(zip(labels, scores, strict=True)):
        margin = s[:, None] - s[None, :]
        counts = y[:, None] > y[None, :]
        if loss == "hinge":
            active = counts & (margin < 1)
            value += float((1 - margin)[active].sum())
            slope = -active.astype(s.dtype)
        else:
            value += float(np.logaddexp(0, -margin)[counts].sum())
            slope = np.where(counts, -1 / (1 + np.exp(margin)), 0)
        grad[row] = slope.sum(axis=1) - slope.sum(axis=0)
    return value, grad


@lru_cache
def compiled_loops() -> Any:
    """A function (is_hinge, labels, scores, grad) -> value that adds the gradient to `grad`."""
    import numba

    @numba.njit(fastmath=True)
    def loops(is_hinge: bool, labels: Array, scores: Array, grad: Array) -> float:
        value = 0.0
        for row in range(scores.shape[0]):
            y, s, g = labels[row], scores[row], grad[row]
            for i in range(s.size):
                for j in range(s.size):
                    margin = s[i] - s[j]
                    if y[i] <= y[j] or (is_hinge and margin >= 1):
                        continue
                    if is_hinge:
                        slope = -1.0
                        value += 1 - margin
                    else:
                        e = exp(-abs(margin))
                        slope = -(e if margin > 0 else 1.0) / (1 + e)
                        value += log1p(e) + max(-margin, 0)
                    g[i] += slope
                    g[j] -= slope
        return value

    return loops
