"""Sums over pairs in extended precision for some items of one list: what the fast sums are held to.

np.longdouble has 64 bits of mantissa on x86 and is double elsewhere, which is still far below the bounds.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from reference import PAIR_LOSSES, Array, Jet, ListSums, Sum
from remembered import remembered


@remembered
def exact_sums(
    name: str,
    labels: Array,
    scores: Array,
    weights: Array,
    items: Array,
    *,
    temperature: float = 1.0,
    vector: Array | None = None,
    pair_weights: Array | None = None,
) -> ListSums:
    """The sums of `items`, each with its absolute terms and its drift (see reference.Sum).

    `pair_weights` has a row for each of the items, with its pairs' weights.

    The curvature of a pair can vanish where the loss is far from flat (soft zero-one at equal scores): its terms are
    counted with the positive curvature. Those of the Hessian-vector product are |v_i| + |v_j|, v less its mean.
    """
    s, w = scores.astype(np.longdouble), weights.astype(np.longdouble)
    v = np.zeros_like(s) if vector is None else vector.astype(np.longdouble)
    t = np.longdouble(temperature)
    d = (s[items, None] - s[None, :]) / t
    with np.errstate(over="ignore"):
        as_row, as_column = PAIR_LOSSES[name](d, 0 * d), PAIR_LOSSES[name](-d, 0 * d)
    own, others = w[items, None], w[None, :]
    delta = np.longdouble(1) if pair_weights is None else pair_weights.astype(np.longdouble)
    lower, upper = labels[items, None] > labels[None, :], labels[items, None] < labels[None, :]

    def add(row: Array, column: Array, factor: Any = 1.0) -> Array:
        both = np.where(lower, own * row, 0) + np.where(upper, others * column, 0)
        return np.asarray((both * factor * delta).sum(1))

    def size(part: str, factor: Any = 1.0) -> Array:
        row, column = np.abs(getattr(as_row, part)), np.abs(getattr(as_column, part))
        terms = np.where(lower, np.abs(own) * row, 0) + np.where(upper, np.abs(others) * column, 0)
        return np.asarray((terms * factor * delta).sum(1))

    zero = Jet(*(np.zeros_like(d) for _ in Jet._fields))
    centred = np.abs(v - v.mean())
    twist = v[items, None] - v[None, :]
    spread = centred[items, None] + centred[None, :]
    bend = 2 * size("positive_curvature")
    own_values = np.where(lower, np.abs(own), 0) * delta
    return ListSums(
        Sum(
            add(as_row.value, zero.value),
            (own_values * as_row.value).sum(1),
            (own_values * np.abs(as_row.slope)).sum(1),
        ),
        Sum(add(as_row.slope, -as_column.slope) / t, size("slope") / t, size("positive_curvature") / t),
        Sum(
            add(as_row.curvature, as_column.curvature) / t**2, size("positive_curvature") / t**2, bend / t**2
        ),
        Sum(
            add(as_row.positive_curvature, as_column.positive_curvature) / t**2,
            size("positive_curvature") / t**2,
            bend / t**2,
        ),
        Sum(
            add(as_row.curvature, as_column.curvature, twist) / t**2,
            size("positive_curvature", spread) / t**2,
            2 * size("positive_curvature", spread) / t**2,
        ),
    )
