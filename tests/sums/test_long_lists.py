"""Long lists: threads change no bit, outliers cost nothing, masks and row weights, accuracy item by item."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import numpy as np
import pytest
import rankgrad as rg
from hypothesis import given, settings
from hypothesis import strategies as st

from families import BOUND, FAMILIES, Case, Expected, labels_of, make_case
from helpers import LOSSES
from reference import Array

pytestmark = pytest.mark.usefixtures("isa")

NAMES = ("hinge", "squared_hinge", "logistic", "soft_zero_one", "exponential")


def everything(objective: rg.Objective, s: Array, v: Array, w: Array | None, n_threads: int) -> list[Any]:
    """All that the objective computes; `w` as cotangent."""
    options: dict[str, Any] = {"cotangent": w, "n_threads": n_threads}
    values, grad = objective.value_and_grad(s, **options)
    hessians = [objective.grad_and_hess(s, curvature=c, **options)[1] for c in ("exact", "positive")]
    return [values, grad, *hessians, objective.hessp(s, v, **options)]


@pytest.mark.parametrize("kind", ["two", "five", "distinct"])
@pytest.mark.parametrize("name", LOSSES)
def test_a_list_alone_is_read_before_anything_is_written(
    name: str, kind: str, rng: np.random.Generator
) -> None:
    """Whatever sums it: a score that is not finite is found where it is, first or last."""
    for n in (8, 700, 5_000, 70_000 if name in NAMES else 1_500):
        objective = LOSSES[name](reduction="sum").bind(labels_of(kind, n, rng))
        for bad, wrong in ((0, np.nan), (n // 2, np.inf), (n - 1, -np.inf)):
            s = rng.normal(size=n).astype(np.float32)
            s[[bad, n - 1]] = wrong
            out = np.full(n, 7, np.float32), np.full(n, 7, np.float32)
            message = rf"scores.*(NaN|infinity) at index {bad}\b"
            with pytest.raises(ValueError, match=message):
                objective.grad_and_hess(s, out=out)
            with pytest.raises(ValueError, match=message):
                objective.value_and_grad(s, out=out[0])
            assert (np.array(out) == 7).all()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["two", "five", "distinct", "uneven", "outlier"])
@pytest.mark.parametrize("name", NAMES)
def test_threads_change_no_bit(name: str, kind: str, weighted: bool, rng: np.random.Generator) -> None:
    """Long enough for several parts, segments of blocks, and pieces of a merge."""
    n = 140_000
    y, s = labels_of("five" if kind == "outlier" else kind, n, rng), rng.normal(size=n).astype(np.float32)
    if kind == "outlier":
        s[n // 2] = -1e9 if name != "exponential" else -200
    v, w = rng.normal(size=n).astype(np.float32), rng.uniform(0.5, 2, n) if weighted else None
    objective = LOSSES[name](reduction="none").bind(y)
    one = everything(objective, s, v, w, 1)
    for n_threads in (2, 3, 8):
        for a, b in zip(one, everything(objective, s, v, w, n_threads), strict=True):
            assert np.array_equal(a, b)


@pytest.mark.parametrize("name", ["hinge", "logistic"])
def test_one_to_eight_threads(name: str, rng: np.random.Generator) -> None:
    """Long and short lists in one batch."""
    sizes = [5, 90_000, 300, 0, 40_000, *rng.integers(1, 200, 50)]
    n = sum(sizes)
    y, s, w = rng.integers(0, 4, n), rng.normal(size=n), rng.random(n)
    objective = LOSSES[name](reduction="sum").bind(y, w, groups=sizes)
    value, grad = objective.value_and_grad(s, n_threads=1)
    for n_threads in range(2, 9):
        again, same = objective.value_and_grad(s, n_threads=n_threads)
        assert again == value
        assert np.array_equal(same, grad)
    one_by_one = [
        LOSSES[name](reduction="sum")(part_y, part_s, part_w)
        for part_y, part_s, part_w in zip(
            *(np.split(x, np.cumsum(sizes)[:-1]) for x in (y, s, w)), strict=True
        )
        if len(part_y)
    ]
    assert value == pytest.approx(sum(one_by_one), rel=1e-14)


@cache
def long_list(name: str, kind: str, dtype: Any) -> tuple[Case, Expected]:
    """A list and, the same for every instruction set, the exact sums of some of its items."""
    n, rng = 150_000, np.random.default_rng(20240917)
    case = make_case(labels_of(kind, n, rng), rng.normal(size=n), dtype, rng)
    items = np.unique(np.concatenate([rng.integers(0, n, 6), [int(case.s.argmin()), int(case.s.argmax())]]))
    return case, FAMILIES[name].exact(case, items)


@pytest.mark.parametrize("name", ["logistic", "hinge", "squared_hinge"])
@pytest.mark.parametrize("kind", ["two", "five", "distinct"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_accuracy_of_parts_and_pieces(dtype: Any, kind: str, name: str) -> None:
    FAMILIES[name].hold(*long_list(name, kind, dtype), "auto", BOUND)


@pytest.mark.parametrize("far", [[1e9], [-1e9], [1e15, -3e4, 1e12, 70.5], [3e38, -3e38]])
@pytest.mark.parametrize("kind", ["two", "distinct"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_outliers_take_no_digits(dtype: Any, kind: str, far: list[float], rng: np.random.Generator) -> None:
    """The other items keep the accuracy of their own scores."""
    n = 3000
    s = rng.normal(size=n)
    s[: len(far)] = far
    case, family = make_case(labels_of(kind, n, rng), s, dtype, rng), FAMILIES["logistic"]
    items = rng.integers(len(far), n, 12)
    expected, got = family.exact(case, items).sums, family.computed(case, "fast")
    tiny = np.finfo(dtype).tiny
    for what, want in zip(("value", "grad", "hess", "positive"), expected[:4], strict=True):
        ulps = np.spacing(np.abs(want.total)) if dtype == np.float32 else 0
        error = np.abs(got[what][items] - want.total)
        assert (error <= BOUND[case.s.dtype] * want.terms + ulps + tiny).all()


@pytest.mark.parametrize("name", ["logistic", "soft_zero_one"])
@pytest.mark.parametrize("kind", ["two", "distinct"])
def test_an_outlier_does_not_make_a_long_list_quadratic(
    name: str, kind: str, rng: np.random.Generator
) -> None:
    """Pair by pair these would take half an hour."""
    n = 1_000_000
    y, s = labels_of(kind, n, rng), rng.normal(size=n).astype(np.float32)
    s[77] = 1e9
    objective = LOSSES[name](reduction="sum").bind(y)
    start = time.perf_counter()
    _, grad = objective.value_and_grad(s)
    assert time.perf_counter() - start < 20
    assert abs(grad.sum(dtype=np.float64)) <= 1e-7 * np.abs(grad).sum(dtype=np.float64)


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_masks_and_padding_in_few_levels(data: st.DataObject) -> None:
    """Items that do not count, in lists long enough for level tables."""
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    name = data.draw(st.sampled_from(["logistic", "soft_zero_one"]))
    dtype = data.draw(st.sampled_from([np.float32, np.float64]))
    n, levels = data.draw(st.integers(48, 400)), data.draw(st.integers(1, 6))
    y, s = rng.integers(-1, levels, n), (data.draw(st.sampled_from([0.0, 1.0, 10.0])) * rng.normal(size=n))
    s, v, w = s.astype(dtype), rng.normal(size=n).astype(dtype), rng.random(n)
    s[y < 0] = rng.choice([np.nan, np.inf, 1e30, 0.0], (y < 0).sum())
    loss = LOSSES[name](reduction="none")
    fast = everything(loss.bind(y, algorithm="fast"), s, v, w, 1)
    valid = y >= 0
    alone = everything(loss.bind(y[valid], algorithm="fast"), s[valid], v[valid], w[valid], 1)
    for a, b in zip(fast, alone, strict=True):
        assert not np.asarray(a)[~valid].any()
        assert np.array_equal(np.asarray(a)[valid], b)


def test_not_a_number_in_a_long_list(rng: np.random.Generator) -> None:
    n = 100_000
    y, s = rng.integers(0, 3, n), rng.normal(size=n)
    s[n - 5] = np.nan
    loss = rg.PairwiseLogisticLoss(reduction="sum")
    with pytest.raises(ValueError, match=f"NaN.*{n - 5}"):
        loss.bind(y).value(s)
    value, grad = rg.PairwiseLogisticLoss(reduction="sum", nan="propagate").bind(y).value_and_grad(s)
    assert np.isnan(value)
    assert np.isnan(grad).all()


@pytest.mark.parametrize("kind", ["five", "distinct"])
@pytest.mark.parametrize(
    ("n", "weight"),
    [
        (4_095, None),
        (4_200, None),
        (5_300, None),
        (4_200, rg.NDCGWeight()),
        (4_200, rg.LabelDifferenceWeight()),
    ],
)
def test_direct_sums_in_tiles(n: int, weight: Any, kind: str, rng: np.random.Generator) -> None:
    """Just below the first tiled list, odd and even numbers of blocks; any number of threads gives the same bits."""
    y, s, v = labels_of(kind, n, rng), rng.normal(size=n), rng.normal(size=n)
    if weight is not None:
        y = y / max(1.0, y.max())  # gains of exp2
    for name in ("hinge", "logistic"):
        loss = LOSSES[name](reduction="none", lambda_weight=weight)
        one = everything(loss.bind(y, algorithm="direct"), s, v, None, 1)
        fast = everything(loss.bind(y, algorithm="fast"), s, v, None, 1)
        for n_threads in (2, 8):
            for a, b in zip(
                one, everything(loss.bind(y, algorithm="direct"), s, v, None, n_threads), strict=True
            ):
                assert np.array_equal(a, b)
        for a, b in zip(one, fast, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12 * np.abs(a).max(initial=0.0))


@pytest.mark.parametrize("kind", ["five", "distinct"])
@pytest.mark.parametrize("name", ["hinge", "logistic"])
def test_threads_change_no_bit_of_weighted_pairs(name: str, kind: str, rng: np.random.Generator) -> None:
    """Nodes of the label tree that all threads work on, and smaller ones side by side."""
    n = 80_000
    y, s = labels_of(kind, n, rng), rng.normal(size=n).astype(np.float32)
    v, w = rng.normal(size=n).astype(np.float32), rng.uniform(0.5, 2, n)
    objective = LOSSES[name](reduction="none", lambda_weight=rg.NDCGWeight(gain="linear")).bind(y)
    one = everything(objective, s, v, w, 1)
    for a, b in zip(one, everything(objective, s, v, w, 3), strict=True):
        assert np.array_equal(a, b)
