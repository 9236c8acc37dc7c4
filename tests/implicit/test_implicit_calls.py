"""How the implicit losses are called: options of other libraries, results in given arrays, and every refusal."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import rankgrad as rg

pytestmark = pytest.mark.usefixtures("isa")

POSITIVE = np.array([1.0, 0.5, -0.25])
NEGATIVE = np.array([[0.5, 1.5, -3.0], [2.0, -1.0, 1.0]])
MANY = [rg.adaptive_bpr_loss, rg.adaptive_hinge_loss, rg.warp_loss]
ALL = [rg.bpr_loss, rg.hinge_loss, *MANY]
X = POSITIVE - NEGATIVE


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


# --- the settings in the table of the module's docstring -------------------------------------------------


def test_spotlight() -> None:
    assert rg.bpr_loss(POSITIVE, NEGATIVE[0], reduction="mean") == pytest.approx(np.mean(1 - sigmoid(X[0])))
    assert rg.hinge_loss(POSITIVE, NEGATIVE[0], reduction="mean") == pytest.approx(
        np.mean(np.maximum(0, 1 - X[0]))
    )
    hardest = POSITIVE - NEGATIVE.max(axis=0)
    value = rg.adaptive_hinge_loss(POSITIVE, NEGATIVE, reduction="mean")
    assert value == pytest.approx(np.mean(np.maximum(0, 1 - hardest)))


def test_lightfm_bpr() -> None:
    """Its step is weight * (1 - sigmoid(x)), up for the positive and down for the negative."""
    weight = np.array([1.0, 2.0, 0.5])
    _, (positive, negative) = rg.bpr_loss.value_and_grad(
        POSITIVE, NEGATIVE[0], form="log", reduction="sum", sample_weight=weight
    )
    np.testing.assert_allclose(negative, weight * (1 - sigmoid(X[0])), rtol=1e-14)
    np.testing.assert_array_equal(positive, -negative)


def test_lightfm_warp() -> None:
    """Its step is weight * log(max(1, floor((N - 1) / tries))), at most 10; known positives count as tries."""
    n, weight = 1000, np.array([1.0, 2.0, 0.5])
    negative = np.concatenate([np.full((1, 3), -np.inf), NEGATIVE])
    options: dict[str, Any] = {"rank_weight": "log", "clip": 10, "reduction": "sum"}
    _, (gradient, _) = rg.warp_loss.value_and_grad(POSITIVE, negative, n, sample_weight=weight, **options)
    tries = np.array([2, 2, 3])
    np.testing.assert_allclose(gradient, -weight * np.log((n - 1) // tries), rtol=1e-14)
    _, (gradient, _) = rg.warp_loss.value_and_grad(POSITIVE, negative, 10**9, **options)
    np.testing.assert_array_equal(gradient, [-10, -10, -10])


def test_lenskit() -> None:
    pairwise = np.mean(np.log1p(np.exp(-X[0])))
    assert rg.bpr_loss(POSITIVE, NEGATIVE[0], form="log", reduction="mean") == pytest.approx(
        pairwise, rel=1e-14
    )


def test_wsabie() -> None:
    """The paper's weight of a violation found at the t-th try is 1 + 1/2 + ... + 1/floor((N - 1) / t)."""
    value = rg.warp_loss([0.0], [[-2.0], [0.5], [3.0]], 12, rank_weight="harmonic", reduction="sum")
    assert value == pytest.approx(1.5 * sum(1 / i for i in range(1, 6)), rel=1e-14)


@pytest.mark.parametrize("kink", [0, 0.5, 1])
def test_kink(kink: float) -> None:
    """At d - x = 0 the slope is the one asked for; its square is the curvature's."""
    for loss, negative in ((rg.hinge_loss, [0.0]), (rg.adaptive_hinge_loss, [[0.0]])):
        gradient, hessian = loss.grad_and_hess([1.0], negative, kink=kink)
        assert (gradient[0], hessian[0]) == (-kink, 2 * kink**2)
        assert loss([1.0], negative, kink=kink) == 0


def test_reductions_and_weights() -> None:
    each = rg.hinge_loss(POSITIVE, NEGATIVE, reduction="none")
    assert each.shape == (3,)
    np.testing.assert_array_equal(each, np.maximum(0, 1 - X).sum(axis=0))
    assert rg.hinge_loss(POSITIVE, NEGATIVE, reduction="sum") == each.sum()
    assert rg.hinge_loss(POSITIVE, NEGATIVE, reduction="mean") == each.sum() / 3
    weight = [2.0, 0.0, 0.5]
    np.testing.assert_array_equal(
        rg.hinge_loss(POSITIVE, NEGATIVE, reduction="none", sample_weight=weight), each * weight
    )
    assert rg.hinge_loss(POSITIVE, NEGATIVE, reduction="mean", sample_weight=2) == 2 * each.sum() / 3


def test_losses_are_values() -> None:
    spotlight = replace(rg.hinge_loss, reduction="mean")
    assert spotlight == pickle.loads(pickle.dumps(spotlight)) != rg.hinge_loss
    assert spotlight(POSITIVE, NEGATIVE) == rg.hinge_loss(POSITIVE, NEGATIVE, reduction="mean")
    assert repr(rg.bpr_loss) == "BPRLoss(margin=1.0, reduction='collie', form='collie')"


# --- results -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", ALL)
def test_out(loss: Any, dtype: str) -> None:
    positive, negative = POSITIVE.astype(dtype), NEGATIVE.astype(dtype)

    def new() -> tuple[Any, Any]:
        return np.full_like(positive, np.nan), np.full_like(negative, np.nan)

    grad, hess, values = new(), new(), np.empty_like(positive)
    _, result = loss.value_and_grad(positive, negative, 10, out=grad)
    assert result[0] is grad[0]
    assert result[1] is grad[1]
    for mine, plain in zip(grad, loss.value_and_grad(positive, negative, 10)[1], strict=True):
        np.testing.assert_array_equal(mine, plain)
    loss.grad_and_hess(positive, negative, 10, out=(grad, hess))
    for mine, plain in zip(hess, loss.grad_and_hess(positive, negative, 10)[1], strict=True):
        np.testing.assert_array_equal(mine, plain)
    result, _ = loss.value_and_grad(positive, negative, 10, reduction="none", out=(values, new()))
    assert result is values
    np.testing.assert_array_equal(values, loss(positive, negative, 10, reduction="none"))


def test_bad_out_writes_nothing() -> None:
    grad = np.full(3, 7.0), np.full((2, 3), 7.0)
    bad = NEGATIVE.copy()
    bad[1, 2] = np.nan
    with pytest.raises(ValueError, match=r"negative_scores: NaN at index \(1, 2\)"):
        rg.hinge_loss.value_and_grad(POSITIVE, bad, out=grad)
    assert (grad[0] == 7).all()
    assert (grad[1] == 7).all()
    for out, match in (
        ((np.empty(3), np.empty(3)), "float64 of shape"),
        ((np.empty(3, np.float32), grad[1]), "float64 of shape"),
        ((POSITIVE, grad[1]), "overlaps"),
        ((grad[1][0], grad[1]), "overlaps"),
        ((grad[0], np.empty((2, 6))[:, ::2]), "contiguous"),
    ):
        with pytest.raises(ValueError, match=match):
            rg.hinge_loss.value_and_grad(POSITIVE, NEGATIVE, out=out)
    with pytest.raises(TypeError, match="tuple"):
        rg.hinge_loss.value_and_grad(POSITIVE, NEGATIVE, out=grad[0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", ALL)
def test_a_bad_negative_is_found_wherever_it_stands(loss: Any, dtype: str, rng: np.random.Generator) -> None:
    """In a register or the rest of a row, among rows that are looked at together, in the first block or the last."""
    positive, negative = rng.normal(size=1029).astype(dtype), rng.normal(size=(11, 1029)).astype(dtype)
    out = np.full_like(positive, 7), np.full_like(negative, 7)
    for row, column in ((0, 0), (7, 5), (8, 511), (10, 512), (10, 1023), (3, 1024), (10, 1028)):
        for bad, what in ((np.nan, "NaN"), (np.inf, "infinity")):
            given = negative.copy()
            given[row, column] = bad
            for options in ({}, {"out": out}):
                with pytest.raises(
                    ValueError, match=rf"negative_scores: {what} at index \({row}, {column}\)"
                ):
                    loss.value_and_grad(positive, given, 100, **options)
    assert (np.concatenate([out[0], out[1].ravel()]) == 7).all()


def test_masked_negatives_are_skipped() -> None:
    """-inf has no part in anything, also where an ideal difference of its own would give it a loss."""
    masked = np.concatenate([np.full((1, 3), -np.inf), NEGATIVE])
    for loss in (rg.bpr_loss, rg.hinge_loss, rg.adaptive_bpr_loss, rg.adaptive_hinge_loss):
        for options in ({}, {"margin": 3.0}, {"margin": 0.25}):
            assert loss(POSITIVE, masked, **options) == loss(POSITIVE, NEGATIVE, **options)
            gradient = loss.value_and_grad(POSITIVE, masked, **options)[1][1]
            np.testing.assert_array_equal(gradient[0], 0)
            np.testing.assert_array_equal(
                gradient[1:], loss.value_and_grad(POSITIVE, NEGATIVE, **options)[1][1]
            )
    for loss in ALL:
        value, gradients = loss.value_and_grad(POSITIVE, np.full((2, 3), -np.inf), 5)
        assert value == 0
        assert not gradients[0].any()
        assert not gradients[1].any()


def test_one_positive_and_one_list() -> None:
    for loss in ALL:
        assert loss([1.0], [0.5, 2.0], 5, groups=[2]) == loss([1.0], [[0.5], [2.0]], 5)
        assert loss([1.0], [], 5, groups=[0]) == 0


# --- refusals ------------------------------------------------------------------------------------------

ITEMS = {"positive_items": [0, 1, 2], "negative_items": [[1, 2, 0], [3, 3, 3]]}
GENRE = {"metadata": {"genre": [0, 0, 1, 1]}, "metadata_weights": {"genre": 0.5}}

REFUSED: list[tuple[Any, Any, dict[str, Any], str]] = [
    (POSITIVE[None], NEGATIVE, {}, r"positive_scores: shape \(B,\) is wanted, got \(1, 3\)"),
    (POSITIVE[:, None], NEGATIVE, {}, r"positive_scores: shape \(B,\) is wanted, got \(3, 1\)"),
    (POSITIVE, NEGATIVE.T, {}, r"negative_scores: shape .* got \(3, 2\)"),
    (POSITIVE, NEGATIVE[:, :1], {}, r"negative_scores: shape .* got \(2, 1\)"),
    (POSITIVE, NEGATIVE[:, :, None], {}, r"negative_scores: shape .* got \(2, 3, 1\)"),
    (POSITIVE, NEGATIVE[:0], {}, "no negatives"),
    ([], np.zeros((2, 0)), {}, "positive_scores: is empty"),
    ([1, np.nan, 0], NEGATIVE, {}, "positive_scores: NaN at index 1"),
    (POSITIVE, [[1, np.nan, 0]], {}, "negative_scores: NaN at index 1; finite numbers, or -infinity"),
    ([1, 0, -np.inf], NEGATIVE, {}, "positive_scores: infinity at index 2"),
    (POSITIVE, [[0, 1, np.inf], [0, 0, 0]], {}, r"negative_scores: infinity at index \(0, 2\)"),
    (
        POSITIVE,
        [0, np.nan, 1],
        {"groups": [1, 0, 2]},
        r"negative_scores: NaN at index 1 \(list 2, position 0\)",
    ),
    (POSITIVE, [0, 1, 1], {"groups": [1, 2]}, "groups: one list of negatives for each of the 3 positives"),
    (POSITIVE, [0, 1, 1], {"groups": [1, 1, 2]}, "groups: sizes add up to 4"),
    (POSITIVE, [0, 1, 1], {"offsets": [0, 2, 1, 3]}, "offsets: must not decrease"),
    (POSITIVE, NEGATIVE, {"groups": [1, 1, 1]}, "goes with offsets= or groups="),
    (POSITIVE, NEGATIVE, {"sample_weight": [1, 2]}, r"sample_weight: .* got shape \(2,\)"),
    (POSITIVE, NEGATIVE, {"sample_weight": [1, 2, np.nan]}, "sample_weight: NaN at index 2"),
    (POSITIVE, NEGATIVE, {"margin": [[1, 2, 3]]}, r"margin: .* got shape \(1, 3\)"),
    (POSITIVE, NEGATIVE, {"margin": np.inf}, "margin: a finite number is wanted"),
    (POSITIVE, NEGATIVE, {"reduction": "average"}, "reduction: one of"),
    (POSITIVE, NEGATIVE, {**ITEMS, "metadata": GENRE["metadata"]}, "no weight for 'genre'"),
    (POSITIVE, NEGATIVE, {**ITEMS, "metadata_weights": {"genre": 0.5}}, "metadata: no 'genre'"),
    (POSITIVE, NEGATIVE, {**ITEMS, **GENRE, "metadata_weights": {"genre": 1.1}}, "add up to 1.1"),
    (POSITIVE, NEGATIVE, {**ITEMS, **GENRE, "metadata_weights": {"genre": np.nan}}, "finite"),
    (POSITIVE, NEGATIVE, {**GENRE, "positive_items": [0, 1, 2]}, "negative_items: is wanted"),
    (
        POSITIVE,
        NEGATIVE,
        {**ITEMS, **GENRE, "positive_items": [0, 4, 1]},
        "positive_items: item 4 at flat index 1",
    ),
    (POSITIVE, NEGATIVE, {**ITEMS, **GENRE, "positive_items": [0, 1, -1]}, "positive_items: item -1"),
    (POSITIVE, NEGATIVE, {**ITEMS, **GENRE, "negative_items": [0, 1, 2]}, r"negative_items: shape \(2, 3\)"),
    (
        POSITIVE,
        NEGATIVE,
        {**ITEMS, **GENRE, "metadata": {"genre": np.zeros((4, 2))}},
        "one category per item",
    ),
]


@pytest.mark.parametrize("loss", ALL)
@pytest.mark.parametrize(
    ("positive", "negative", "keywords", "match"), REFUSED, ids=lambda x: x if isinstance(x, str) else ""
)
def test_refused(loss: Any, positive: Any, negative: Any, keywords: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        loss(positive, negative, 10, **keywords)


def test_refused_by_one_loss() -> None:
    for loss in MANY:
        with pytest.raises(ValueError, match="many_negative_scores: shape"):
            loss(POSITIVE, NEGATIVE[0], 10)
    with pytest.raises(ValueError, match="num_items: 1 is less than the 2 negatives"):
        rg.warp_loss(POSITIVE, NEGATIVE, 1)
    with pytest.raises(ValueError, match="num_items: 2 is less than the 3 negatives of positive 1"):
        rg.warp_loss([0.0, 0.0], [0, 0, 0, 0], 2, groups=[1, 3])
    for num_items in (None, 3.0, True):
        with pytest.raises(TypeError, match="num_items: a whole number"):
            rg.warp_loss(POSITIVE, NEGATIVE, num_items)
    with pytest.raises(ValueError, match="form: one of"):
        rg.bpr_loss(POSITIVE, NEGATIVE, form="logistic")
    with pytest.raises(ValueError, match="kink: a number from 0 to 1"):
        rg.hinge_loss(POSITIVE, NEGATIVE, kink=2)
    with pytest.raises(ValueError, match="rank_weight: one of"):
        rg.warp_loss(POSITIVE, NEGATIVE, 10, rank_weight="linear")
    with pytest.raises(ValueError, match="clip: a positive number"):
        rg.warp_loss(POSITIVE, NEGATIVE, 10, clip=0)
    with pytest.raises(TypeError, match="kink"):
        rg.bpr_loss(POSITIVE, NEGATIVE, kink=0)
    with pytest.raises(TypeError, match=r"positive_items: numbers are wanted"):
        rg.bpr_loss(POSITIVE, NEGATIVE, **{**ITEMS, **GENRE, "positive_items": ["a", "b", "c"]})


def test_cotangent_must_fit_the_value() -> None:
    with pytest.raises(ValueError, match="cotangent: a number"):
        rg.bpr_loss.value_and_grad(POSITIVE, NEGATIVE, cotangent=[1, 2, 3])
    with pytest.raises(ValueError, match="cotangent: one number per positive"):
        rg.bpr_loss.value_and_grad(POSITIVE, NEGATIVE, reduction="none", cotangent=2)


# --- the ideal difference --------------------------------------------------------------------------------


def test_ideal_difference() -> None:
    metadata = {
        "genre": np.array([[7], [7], [3], [3]]),
        "year": np.array([1.0, np.nan, 2.0, 1.0], np.float32),
    }
    weights = {"genre": 0.25, "year": 0.5}
    result = rg.ideal_difference_from_metadata([0, 1, 2], [[1, 1, 0], [3, 2, 2]], metadata, weights)
    np.testing.assert_array_equal(result, [[0.75, 0.75, 1.0], [0.5, 1.0, 0.25]])
    large = {"id": np.array([2**63, 2**63 + 1, 2**63], dtype=np.uint64)}
    np.testing.assert_array_equal(rg.ideal_difference_from_metadata([0, 0], [1, 2], large, {"id": 1}), [1, 0])
    spurious = dict(zip("abcd", (0.05, 0.55, 0.3, 0.1), strict=True))  # adds up to 1.0000000000000002
    assert math.isclose(sum(spurious.values()), 1)
    same = dict.fromkeys("abcd", np.zeros(2))
    np.testing.assert_allclose(rg.ideal_difference_from_metadata([0], [1], same, spurious), [0], atol=1e-15)
    np.testing.assert_array_equal(rg.ideal_difference_from_metadata([0, 1], [1, 0], None, None), [1, 1])
    for positive, negative, match in (
        ([0, 4], [1, 1], "positive_items: item 4 at flat index 1"),
        ([0, 1], [1, -1], "negative_items: item -1"),
        ([[0], [1]], [0, 1], "negative_items: shape"),
    ):
        with pytest.raises(ValueError, match=match):
            rg.ideal_difference_from_metadata(positive, negative, metadata, weights)
