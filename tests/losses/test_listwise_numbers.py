"""Listwise and pointwise losses of numbers that leave no room for careless arithmetic, against extended precision.

Offsets, outliers up to the largest number of the type, clusters far apart, fillers of -1e9, temperatures from 1e-300
to 1e300, weights that are 0, huge or tiny: the error stays below the promised bound, nothing is NaN, and infinite is
only what is too large for its type.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_listwise import POINTWISE, Array, one_list
from test_listwise import CASES, ITEM_WEIGHTS

pytestmark = pytest.mark.usefixtures("isa")

#: One unit in the last place of a margin of less than 745 changes a term by 1.7e-13 of it; beyond, e^-margin is 0.
#: Float arithmetic serves margins below 16.
EPS = {np.float64: 1e-12, np.float32: 2e-6}
SCORES = ["near", "ties", "offset", "outliers", "extremes", "clusters", "fillers", "tiny"]
TEMPERATURES = [1.0, 1.0, 0.1, 3.0, 1e-3, 1e3, 1e-20, 1e-300, 1e-308, 1e20, 1e300, 1.7e308]
NAMES = [
    name for name in CASES if name != "approx_ndcg_at_2"
]  # a step: nothing bounds how it changes with a rank


def scores_of(kind: str, n: int, dtype: Any, rng: np.random.Generator) -> Array:
    s = rng.normal(size=n) * rng.choice([0.1, 1.0, 20.0])
    if kind == "ties":
        s = np.round(s)
    if kind == "offset":
        s = s + rng.choice([1e4, -1e10, 1e15])
    if kind == "outliers":
        s = np.where(rng.random(n) < 0.4, rng.choice([-1e4, 1e4, 1e30, -1e30], n), s)
    if kind == "extremes":
        most = np.finfo(dtype).max
        s = np.where(rng.random(n) < 0.6, rng.choice([most, -most, most / 3, 1e-300], n), s)
    if kind == "clusters":
        s = rng.choice([-1e10, 0, 1e10, 1e5], n) + rng.choice([1e-6, 1e-3, 1], n) * s
    if kind == "fillers":
        s = np.where(rng.random(n) < 0.5, -1e9, s)
    if kind == "tiny":
        s = s * 1e-300
    return np.asarray(s, dtype)


def labels_of(name: str, n: int, rng: np.random.Generator) -> Array:
    if name == "approx_mrr":
        return (np.arange(n) == rng.integers(n)).astype(np.float64)
    y = rng.integers(0, 4, n).astype(np.float64)
    if name != "approx_ndcg" and rng.random() < 0.5:
        y = np.where(rng.random(n) < 0.5, y, rng.choice([0.3, 1e-20, 0.999999999], n))
    return y


def weights_of(name: str, n: int, rng: np.random.Generator) -> Array:
    """Per item, or the same for all where the loss has weights per list."""
    kind = rng.choice(["ones", "some", "zeros", "wide", "huge", "tiny"])
    w = np.ones(n) if kind == "ones" else rng.uniform(0.5, 2, n)
    if kind == "zeros":
        w = w * (rng.random(n) < 0.5)
    if kind == "wide":
        w = w * rng.choice([1e-20, 1, 1e20], n)
    if "poly1" not in name:  # whose second term has no weight, and is nothing beside such
        tiny = 1e-300 if name != "squared_error" else 1e-250  # beside scores over a temperature beyond 1e308
        w = w * {"huge": 1e300, "tiny": tiny}.get(kind, 1.0)
    return w if name in ITEM_WEIGHTS else np.full(n, w[0])


def hold(key: str, got: Any, want: Array, terms: Array, eps: float, slack: Any, most: float) -> None:
    """Near; what is too large for the type, or may be by the bound, counts as the largest number."""
    got, want, terms = (np.atleast_1d(np.asarray(x, np.longdouble)) for x in (got, want, terms))
    assert not np.isnan(got).any(), (key, got, want)
    most = np.longdouble(most)
    error = np.abs(np.clip(got, -most, most) - np.clip(want, -most, most))
    bad = error > eps * terms + slack
    assert not bad.any(), (key, got[bad], want[bad], terms[bad], error[bad])


def check(name: str, s: Array, y: Array, w: Array, t: float, v: Array) -> None:
    case, dtype, pointwise = CASES[name], s.dtype.type, name in POINTWISE
    per_item = name in ITEM_WEIGHTS
    jet = one_list(case.reference, s, y, w, t, **case.options)
    factor = np.longdouble(1) if per_item else np.longdouble(w[0])
    objective = case(temperature=t).bind(y, w if per_item else w[:1], algorithm="direct")
    value, grad = objective.value_and_grad(s)
    also_grad, hess = objective.grad_and_hess(s)
    positive = objective.grad_and_hess(s, curvature="positive")[1]
    hessp = objective.hessp(s, v)
    assert objective.value(s) == value
    values = np.asarray(w * jet.value if pointwise else factor * jet.value, np.longdouble)
    eps, most = EPS[dtype], float(np.finfo(dtype).max)
    # e^-706 and less count as 0, as does what is below the smallest number of the type
    gone = (
        np.longdouble(1e-306)
        * (1 if name == "list_net" else max(np.abs(w).max(), 1e-300))
        * max(y.max(), 1)
        * 16
    )
    least = np.longdouble(np.finfo(dtype).smallest_subnormal)
    per = 1 / np.longdouble(t)
    length = np.abs(v.astype(np.longdouble))
    product_terms = np.abs(jet.hess) @ length + (jet.hess_terms + jet.grad_terms * per).sum() * length.max()
    sizes = np.abs(values) if name != "squared_error" else jet.grad_terms**2 / np.where(w, 4 * w * per**2, 1)
    hold("value", value, values.sum(), sizes.sum(), eps, gone + least, np.finfo(float).max)
    for key, got, want, terms, more in (
        ("grad", grad, jet.grad, jet.grad_terms, per),
        ("grad", also_grad, jet.grad, jet.grad_terms, per),
        ("hess", hess, np.diag(jet.hess), jet.hess_terms, per**2),
        ("positive", positive, jet.positive, jet.hess_terms, per**2),
        ("hessp", hessp, jet.hess @ v.astype(np.longdouble), product_terms, per**2 * length.max()),
    ):
        terms = factor * (terms + np.abs(want))
        hold(key, got, factor * want, terms, eps, gone * more + 2 * least, most)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60)
@given(data=st.data())
def test_within_the_bound(name: str, dtype: Any, data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    n = data.draw(st.integers(1, 11))
    kind, t = data.draw(st.sampled_from(SCORES)), data.draw(st.sampled_from(TEMPERATURES))
    v = (rng.normal(size=n) + rng.choice([0.0, 100.0])).astype(dtype)
    with np.errstate(over="ignore", under="ignore"):
        check(name, scores_of(kind, n, dtype, rng), labels_of(name, n, rng), weights_of(name, n, rng), t, v)
