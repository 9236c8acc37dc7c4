"""The implicit losses equal their specification, dense and ragged, with every option; derivatives are derivatives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import rankgrad as rg
from hypothesis import given
from hypothesis import strategies as st

from implicit_calls import layouts, loss_of, options_of
from reference_implicit import FORMULAS, Array, Batch, Result, evaluate

pytestmark = pytest.mark.usefixtures("isa")

LOSSES = tuple(FORMULAS)
RTOL = {"float64": 1e-12, "float32": 1e-5}
GRID = 8  # scores on a grid: ties, exact violations and kinks are frequent and the same in float32


def close(actual: Any, expected: Any, rtol: float, scale: float = 0.0) -> None:
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol * scale + 1e-300)


def check(name: str, batch: Batch, dtype: str = "float64") -> None:
    """Every layout gives what the specification gives."""
    want = evaluate(name, batch)
    rtol, positive = RTOL[dtype], batch.positive.astype(dtype)
    # Sums cancel, and the curvature of a sigmoid changes its sign.
    scale = float(np.abs(want.grad_positive).max())
    # A value of BPR is (d - 1) + q: where they cancel, the rounding of one of them remains.
    weights = float(np.abs(np.broadcast_to(batch.sample_weight, positive.shape)).sum())
    of_value = scale + name.endswith("bpr") * weights * np.finfo(dtype).eps / rtol
    for negative, keywords, split in layouts(batch, dtype):
        keywords = {**keywords, **options_of(name, batch)}
        arguments = (positive, negative, batch.num_items)
        loss = loss_of(name)
        close(loss(*arguments, **keywords), want.value, rtol, of_value)
        value, gradients = loss.value_and_grad(*arguments, **keywords, cotangent=batch.cotangent)
        close(value, want.value, rtol, of_value)
        again, hessians = loss.grad_and_hess(*arguments, **keywords, cotangent=batch.cotangent)
        for (of_positive, of_negative), kind in ((gradients, "grad"), (again, "grad"), (hessians, "hess")):
            assert of_positive.dtype == of_negative.dtype == dtype
            assert of_negative.shape == negative.shape
            compare(of_positive, split(of_negative), want, kind, rtol, scale)


def compare(
    positive: Array, negatives: list[Array], want: Result, kind: str, rtol: float, scale: float
) -> None:
    close(positive, getattr(want, f"{kind}_positive"), rtol, scale)
    for mine, expected in zip(negatives, getattr(want, f"{kind}_negatives"), strict=True):
        close(mine, expected, rtol, scale)


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    b = draw(st.integers(1, 9))
    sizes = [draw(st.integers(0, 7)) for _ in range(b)]
    score = st.integers(-5 * GRID, 5 * GRID).map(lambda k: k / GRID)
    negative = st.one_of(score, score, score, st.just(-np.inf))
    n_items = 6
    item = st.integers(0, n_items - 1)
    unreduced = draw(st.booleans())
    batch = Batch(
        positive=np.array([draw(score) for _ in range(b)]),
        negatives=[np.array([draw(negative) for _ in range(size)], dtype=np.float64) for size in sizes],
        num_items=draw(st.integers(7, 200)),
        margin=draw(st.sampled_from([1.0, 0.5, 0.0, 2.0, "array"])),
        sample_weight=draw(st.sampled_from([1.0, 0.25, "array"])),
        reduction="none" if unreduced else draw(st.sampled_from(["collie", "mean", "sum"])),
        form=draw(st.sampled_from(["collie", "log"])),
        kink=draw(st.sampled_from([1.0, 0.0, 0.5])),
        rank_weight=draw(st.sampled_from(["collie", "log", "harmonic"])),
        floor=draw(st.sampled_from([None, True, False])),
        clip=draw(st.sampled_from([np.inf, 2.0])),
    )
    if batch.margin == "array":
        batch.margin = np.array([draw(st.integers(0, 8)) / 4 for _ in range(b)])
    if isinstance(batch.sample_weight, str):
        batch.sample_weight = np.array([draw(st.integers(0, 8)) / 4 for _ in range(b)])
    batch.cotangent = np.array([draw(st.integers(-4, 4)) / 2 for _ in range(b)]) if unreduced else 0.5
    if draw(st.booleans()):
        batch.positive_items = np.array([draw(item) for _ in range(b)])
        batch.negative_items = [np.array([draw(item) for _ in n], dtype=np.int64) for n in batch.negatives]
        batch.metadata = {
            "whole": np.array([draw(st.integers(0, 2)) for _ in range(n_items)]),
            "real": np.array([draw(st.sampled_from([0.5, 1.5, np.nan])) for _ in range(n_items)]),
        }
        batch.metadata_weights = {"whole": 0.25, "real": 0.5}
    return batch


@pytest.mark.parametrize("name", LOSSES)
@given(batch=batches())
def test_equals_the_specification(name: str, batch: Batch) -> None:
    check(name, batch)
    check(name, batch, "float32")


def random_batch(rng: np.random.Generator, sizes: list[int], **options: Any) -> Batch:
    positive = rng.normal(0, 2, len(sizes)).astype(np.float32).astype(np.float64)
    negatives = [rng.normal(0, 2, size).astype(np.float32).astype(np.float64) for size in sizes]
    return Batch(positive, negatives, num_items=100_000, **options)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", LOSSES)
def test_every_length_of_a_list_and_of_a_batch(name: str, dtype: str, rng: np.random.Generator) -> None:
    """Registers, their rests and the cuts between kernel calls."""
    for sizes in ([3] * 37, list(range(40)), [1100, 0, 520, 3], [70] * 2):
        check(name, random_batch(rng, sizes), dtype)
    check(name, random_batch(rng, [2] * 1030), dtype)


@pytest.mark.parametrize("form", ["collie", "log"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_bpr_far_away(form: str, dtype: str) -> None:
    """Differences of any size: no overflow, and small results keep their digits."""
    x = np.array([0.0, 1e-3, 5.0, 20.0, 60.0, 85.0, 200.0, 1e4])
    batch = Batch(np.concatenate([x, -x]), [np.zeros(1)] * 16, form=form, reduction="none")
    want = evaluate("bpr", batch)
    value, (gradient, _) = rg.bpr_loss.value_and_grad(
        batch.positive.astype(dtype), np.zeros(16, dtype=dtype), form=form, reduction="none"
    )
    tiny = 1e-30 if dtype == "float32" else 1e-290
    np.testing.assert_allclose(value, want.value, rtol=RTOL[dtype], atol=tiny)
    np.testing.assert_allclose(gradient, want.grad_positive, rtol=RTOL[dtype], atol=tiny)


OPTIONS: list[dict[str, Any]] = [
    {},
    {"reduction": "mean", "margin": 0.7},
    {"form": "log"},
    {"form": "log", "reduction": "sum", "margin": 1.5},
    {"rank_weight": "harmonic", "floor": False},
    {"rank_weight": "log", "clip": 3.0, "reduction": "none"},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", LOSSES)
def test_derivatives(name: str, options: dict[str, Any], rng: np.random.Generator) -> None:
    """Value -> gradient -> diagonal Hessian by 4th-order differences, where no choice and no kink is within reach."""
    batch = replace(random_batch(rng, [5, 1, 0, 9]), **options)
    keywords = options_of(name, batch) | {"groups": [5, 1, 0, 9]}
    if batch.reduction == "none":
        keywords["cotangent"] = np.array([0.5, -1.0, 2.0, 3.0])
    n = len(batch.positive)
    scores = np.concatenate([batch.positive, *batch.negatives])
    loss = loss_of(name)

    def split(x: Array) -> tuple[Array, Array, int]:
        return x[:n], x[n:], 100_000

    def value(x: Array) -> float:
        without = {k: v for k, v in keywords.items() if k != "cotangent"}
        return float(np.sum(loss(*split(x), **without) * keywords.get("cotangent", 1.0)))

    def gradient(x: Array) -> Array:
        return np.concatenate(loss.value_and_grad(*split(x), **keywords)[1])

    hessian = np.concatenate(loss.grad_and_hess(*split(scores), **keywords)[1])
    step = 1e-3
    for i in range(len(scores)):
        e = np.eye(len(scores))[i] * step
        by_value = [value(scores + k * e) for k in (-2, -1, 1, 2)]
        by_gradient = [gradient(scores + k * e)[i] for k in (-2, -1, 1, 2)]
        weights = np.array([1, -8, 8, -1]) / (12 * step)
        assert weights @ by_value == pytest.approx(gradient(scores)[i], rel=1e-7, abs=1e-7)
        assert weights @ by_gradient == pytest.approx(hessian[i], rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("layout", ["rows", "lists"])
@pytest.mark.parametrize("name", LOSSES)
def test_any_number_of_threads_gives_the_same_bits(name: str, layout: str, rng: np.random.Generator) -> None:
    b, k = 3000, 40
    positive, negative = rng.normal(size=b).astype(np.float32), rng.normal(size=(k, b)).astype(np.float32)
    keywords: dict[str, Any] = {}
    if layout == "lists":
        sizes = rng.multinomial(k * b, np.full(b, 1 / b))
        negative, keywords = negative.reshape(-1), {"groups": sizes}
    loss = loss_of(name)
    results = [
        (*loss.value_and_grad(positive, negative, 1000, n_threads=n, **keywords), n) for n in (1, 2, 3, 8)
    ]
    for value, gradients, _ in results[1:]:
        assert value == results[0][0]
        for mine, first in zip(gradients, results[0][1], strict=True):
            np.testing.assert_array_equal(mine, first)
