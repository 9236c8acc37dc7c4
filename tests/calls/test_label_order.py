"""The order of labels that a bind makes: NumPy's lexsort's for every type of labels and any number of threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import rankgrad as rg
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

Labels = NDArray[Any]

#: Labels by what they are to the sort: few whole ones, a range too wide to count, equal in double, special numbers.
KINDS: dict[str, Callable[[np.random.Generator, int], Labels]] = {
    **{
        dtype: lambda rng, n, dtype=dtype: rng.integers(0, 5, n).astype(dtype)
        for dtype in ("bool", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", ">f4", ">i8")
    },
    "negative": lambda rng, n: rng.integers(-100, 156, n).astype(np.int16),
    "256 values": lambda rng, n: rng.integers(0, 256, n).astype(np.float32),
    "257 values": lambda rng, n: np.append(rng.integers(0, 256, n - 1), 256),
    "halves": lambda rng, n: rng.integers(-9, 9, n) / 2,
    "distinct": lambda rng, n: rng.permutation(n),
    "normal": lambda rng, n: rng.normal(size=n).astype(np.float32),
    "far out": lambda rng, n: np.sinh(100 * rng.normal(size=n)),
    "zeros": lambda rng, n: rng.choice([0.0, -0.0, 1.0], n),
    "denormal": lambda rng, n: rng.integers(-4, 4, n) * 5e-324,
    "infinite": lambda rng, n: rng.choice([-np.inf, np.inf, 1.5, 0.0], n),
    "near whole": lambda rng, n: rng.choice([1.0, np.nextafter(1.0, 2.0), 2.0], n),
    "huge": lambda rng, n: 2**53 + rng.integers(-3, 4, n),
    "all of int64": lambda rng, n: rng.integers(-(2**63), 2**63 - 1, n),
    "ends of int64": lambda rng, n: rng.choice([-(2**63), 2**63 - 1, -1, 0], n),
    "uint64": lambda rng, n: np.uint64(2**63) + rng.integers(0, 2**62, n, dtype=np.uint64) % np.uint64(9),
    "time stamps": lambda rng, n: 1_700_000_000_000_000_000 + rng.integers(0, 10**15, n),
}
LOSSES = (
    rg.PairwiseHingeLoss(negative_labels="use", reduction="sum"),
    rg.PairwiseLogisticLoss(negative_labels="use", reduction="sum"),
    rg.ListMLELoss(negative_labels="use", reduction="sum"),
)


def sorted_apart(labels: Labels, lists: Labels) -> tuple[Labels, NDArray[np.float64]]:
    """Items of each list by label, ties by position; and sorted labels with the same ties, none of them whole."""
    order = np.lexsort((np.arange(labels.size), labels, lists))
    rises = np.append(False, labels[order][1:] != labels[order][:-1])
    return order, np.cumsum(rises) + 0.5


def by_pairs(loss: Any, labels: Any, scores: Labels, sizes: list[int]) -> tuple[float, Labels]:
    """Value and gradient by sums that know nothing of positions but the order."""
    result: tuple[float, Labels] = loss.bind(labels, groups=sizes, algorithm="direct").value_and_grad(scores)
    return result


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(sorted(KINDS)),
    sizes=st.lists(st.sampled_from([0, 1, 2, 31, 40, 65, 300, 2500]), min_size=1, max_size=5),
    masked=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_items_are_in_the_order_of_lexsort(kind: str, sizes: list[int], masked: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = sum(sizes) + 1
    sizes = [*sizes, 1]
    labels, scores = KINDS[kind](rng, n), rng.normal(size=n)
    mask = rng.random(n) < 0.7 if masked else np.ones(n, np.bool_)
    order, levels = sorted_apart(labels, np.repeat(np.arange(len(sizes)), sizes))
    for loss in LOSSES:
        given = {"labels": labels, "mask": mask} if masked else labels
        value, grad = by_pairs(loss, given, scores, sizes)
        want, sorted_grad = by_pairs(loss, {"labels": levels, "mask": mask[order]}, scores[order], sizes)
        assert value == want
        np.testing.assert_array_equal(grad[order], sorted_grad)


@pytest.mark.parametrize("kind", ["i8", "256 values", "normal", "all of int64", "far out"])
@pytest.mark.parametrize("sizes", [[300_000], [1000] * 300, [140_000, 3, 0, 5000, 150_000]], ids=len)
def test_threads_do_not_change_a_plan(kind: str, sizes: list[int]) -> None:
    rng = np.random.default_rng(0)
    labels, scores = KINDS[kind](rng, sum(sizes)), rng.normal(size=sum(sizes))
    order, levels = sorted_apart(labels, np.repeat(np.arange(len(sizes)), sizes))
    for loss in (LOSSES[0], LOSSES[2]):
        want, sorted_grad = loss.value_and_grad(levels, scores[order], groups=sizes, n_threads=1)
        for n_threads in (1, 3):
            value, grad = loss.value_and_grad(labels, scores, groups=sizes, n_threads=n_threads)
            assert value == want
            np.testing.assert_array_equal(grad[order], sorted_grad)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_the_first_bad_label_is_named_whatever_the_threads(n_threads: int) -> None:
    labels = np.zeros(400_000)
    labels[[150_001, 390_000]] = np.nan
    loss = rg.PairwiseHingeLoss()
    for groups in (None, [200_000, 200_000], [100] * 4000):
        with pytest.raises(ValueError, match=r"NaN at index 150001\b"):
            loss.value_and_grad(labels, labels, groups=groups, n_threads=n_threads)


@pytest.mark.parametrize("gain", ["exp2", "linear", [0, 5, 1, 2, 3.0]])
def test_ideal_sums_of_gains_in_any_order(gain: Any) -> None:
    """A table may fall with the label: the best order is then that of the gains."""
    rng = np.random.default_rng(0)
    for n in (5, 40, 300):
        labels, scores = rng.integers(0, 5, n), rng.normal(size=n)
        gains = {"exp2": 2.0**labels - 1, "linear": 1.0 * labels}.get(
            str(gain), np.take(gain, labels, mode="clip")
        )
        ideal = (np.sort(gains)[::-1] / np.log2(np.arange(n) + 2.0)).sum()
        options = {"reduction": "sum"}
        weight = {"gain": np.array(gain) if isinstance(gain, list) else gain}
        scaled = rg.PairwiseHingeLoss(**options, lambda_weight=rg.NDCGWeight(**weight))(labels, scores)
        plain = rg.PairwiseHingeLoss(**options, lambda_weight=rg.NDCGWeight(**weight, normalize=False))
        assert scaled == pytest.approx(plain(labels, scores) / ideal, rel=1e-12)
