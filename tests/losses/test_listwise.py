"""Listwise and pointwise losses against the reference, finite differences and laws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
import rankgrad as rg
from hypothesis import given
from hypothesis import strategies as st

import strategies
from reference_lists import Lists
from reference_listwise import Array, one_list

pytestmark = pytest.mark.usefixtures("isa")

EPS = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-6}


@dataclass(frozen=True)
class Case:
    """A loss under test: what makes it, its reference, the reference's options, the loss's keywords."""

    make: Callable[..., Any]
    reference: str
    options: dict[str, Any] = field(default_factory=dict)
    keywords: dict[str, Any] = field(default_factory=dict)

    def __call__(self, **more: Any) -> Any:
        return self.make(**{"reduction": "sum", "temperature": 1.0, **self.keywords, **more})


CASES = {
    "softmax": Case(rg.SoftmaxLoss, "softmax"),
    "list_net": Case(rg.SoftmaxLoss, "list_net", {}, {"normalize_labels": True}),
    "poly1": Case(rg.Poly1SoftmaxLoss, "poly1_softmax"),
    "poly1_minus_2": Case(rg.Poly1SoftmaxLoss, "poly1_softmax", {"epsilon": -2.0}, {"epsilon": -2.0}),
    "unique_softmax": Case(rg.UniqueSoftmaxLoss, "unique_softmax"),
    "unique_softmax_linear": Case(
        rg.UniqueSoftmaxLoss, "unique_softmax", {"gain": "linear"}, {"gain": "linear"}
    ),
    "list_mle": Case(rg.ListMLELoss, "list_mle"),
    "approx_ndcg": Case(rg.ApproxNDCGLoss, "approx_ndcg"),
    "approx_ndcg_at_2": Case(rg.ApproxNDCGLoss, "approx_ndcg", {"k": 2}, {"k": 2}),
    "approx_mrr": Case(rg.ApproxMRRLoss, "approx_mrr"),
    "sigmoid_cross_entropy": Case(rg.SigmoidCrossEntropyLoss, "sigmoid_cross_entropy"),
    "squared_error": Case(rg.PointwiseMeanSquaredError, "squared_error"),
}
ITEM_WEIGHTS = [name for name, case in CASES.items() if case.make._item_weights]
POINTWISE = ("sigmoid_cross_entropy", "squared_error")

every_loss = pytest.mark.parametrize("name", CASES)


def expected(name: str, lists: Lists, temperature: float, vector: Array) -> dict[str, Array]:
    """Values (per list; weighted), derivatives per item, and the absolute terms that bound their errors."""
    case, n = CASES[name], len(lists.labels)
    options = dict(case.options)
    if "k" in options:
        options["width"] = temperature
    out = {key: np.zeros(n, np.longdouble) for key in ("grad", "hess", "positive", "hessp", "g", "h", "hv")}
    values = np.zeros(len(lists.slices), np.longdouble)
    weights, per_list = split_weights(lists)
    for index, part in enumerate(lists.slices):
        items = np.arange(n)[part][lists.valid[part]]
        jet = one_list(
            case.reference, lists.scores[items], lists.labels[items], weights[items], temperature, **options
        )
        value = (weights[items] * jet.value).sum() if name in POINTWISE and len(items) else jet.value
        values[index] = per_list[index] * value
        out["grad"][items] = per_list[index] * jet.grad
        out["hess"][items] = per_list[index] * np.diag(jet.hess)
        out["positive"][items] = per_list[index] * jet.positive
        out["hessp"][items] = per_list[index] * (jet.hess @ vector[items].astype(np.longdouble))
        out["g"][items] = per_list[index] * jet.grad_terms
        out["h"][items] = per_list[index] * jet.hess_terms
        length = np.abs(vector[items]).max(initial=0)
        size = jet.hess_terms.sum() + jet.grad_terms.sum() / temperature
        out["hv"][items] = per_list[index] * (np.abs(jet.hess) @ np.abs(vector[items]) + size * length)
    out["value"] = values.sum()
    out["v"] = np.abs(values).sum()
    return out


def split_weights(lists: Lists) -> tuple[Array, Array]:
    n, count, w = len(lists.labels), len(lists.slices), lists.sample_weight
    if w is None:
        return np.ones(n), np.ones(count)
    w = np.asarray(w)
    if w.ndim == 0:
        return np.ones(n), np.full(count, float(w))
    return (np.ones(n), w[:, 0]) if w.ndim == 2 else (w, np.ones(count))


def bind(name: str, lists: Lists, **options: Any) -> Any:
    loss = CASES[name](negative_labels=lists.negative_labels, **options)
    y = lists.labels if lists.mask is None else {"labels": lists.labels, "mask": lists.mask}
    return loss.bind(y, lists.sample_weight, offsets=lists.offsets)


def check(name: str, lists: Lists, dtype: Any = np.float64, temperature: float = 1.0) -> None:
    lists = replace(lists, scores=lists.scores.astype(dtype))
    vector = np.cos(np.arange(len(lists.labels))).astype(dtype)
    objective = bind(name, lists, temperature=temperature)
    want = expected(name, lists, temperature, vector)
    eps = EPS[np.dtype(dtype)]
    # z = s / T and z_i - z_j are rounded: an error of eps max|z| in an exponent
    drift = 4 * np.finfo(np.float64).eps * np.abs(lists.scores[lists.valid]).max(initial=0) / temperature
    value, grad = objective.value_and_grad(lists.scores)
    also_grad, hess = objective.grad_and_hess(lists.scores)
    positive = objective.grad_and_hess(lists.scores, curvature="positive")[1]
    hessp = objective.hessp(lists.scores, vector)
    tiny = np.finfo(dtype).tiny / np.finfo(dtype).eps
    scale = abs(temperature) ** -2 * tiny + tiny

    def close(actual: Array, key: str, terms: str) -> None:
        bound = (
            (eps + drift) * (want[terms] + np.abs(want[key])) + drift * want["v"] * (key == "value") + scale
        )
        error = np.abs(np.asarray(actual, np.longdouble) - want[key])
        assert (error <= bound).all(), (key, np.max(error / bound), actual, want[key])

    assert objective.value(lists.scores) == value
    assert grad.dtype == hess.dtype == dtype
    close(value, "value", "v")
    close(grad, "grad", "g")
    close(also_grad, "grad", "g")
    close(hess, "hess", "h")
    close(positive, "positive", "h")
    close(hessp, "hessp", "hv")
    assert (positive >= 0).all() or (split_weights(lists)[0] < 0).any()


def fit(name: str, lists: Lists) -> Lists:
    """Without what the loss does not take: item weights where there are only list weights."""
    w = lists.sample_weight
    if name not in ITEM_WEIGHTS and w is not None and np.ndim(w) == 1:
        return replace(lists, sample_weight=None)
    return lists


@every_loss
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@given(data=st.data())
def test_equals_the_reference(name: str, dtype: Any, data: st.DataObject) -> None:
    """Ragged lists with ties, empty lists, one item, masks, weights, -1 labels, scores of +-1e4."""
    lists = fit(name, data.draw(strategies.ragged(huge=data.draw(st.booleans()))))
    if name in ("poly1", "poly1_minus_2", "list_net") and lists.negative_labels == "use":
        lists = replace(lists, negative_labels="ignore")  # sums of labels that cancel to nearly nothing
    check(name, lists, dtype, data.draw(st.sampled_from([1.0, 0.1, 3.0])))


@every_loss
@pytest.mark.parametrize("sizes", [[1], [2], [7, 8, 9], [64, 0, 65], [131]])
def test_sizes_around_registers(name: str, sizes: list[int], rng: np.random.Generator) -> None:
    for dtype in (np.float64, np.float32):
        check(name, strategies.random_lists(rng, sizes), dtype)


@every_loss
def test_far_apart_scores_lose_no_digits(name: str) -> None:
    """p near 1: 1 - p, the gradients and Hessians of the winner are those of the tiny rest."""
    for gap in (15.0, 40.0, 300.0):
        scores = np.array([0, -gap, -gap - 1, -2 * gap])
        for labels in ([2, 1, 0, 0], [0, 0, 1, 2], [1, 2, 1, 0]):
            check(name, Lists(np.array(labels, float), scores, np.array([0, 4])))


#: 4th-order central differences at step 1e-2: their own error is some 1e-9 for functions that vary on the scale of 1
STEP = 1e-2


def difference(f: Callable[[Array], Any], x: Array, direction: Array) -> Any:
    h = STEP * direction
    return (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * STEP)


@every_loss
@pytest.mark.parametrize("temperature", [1.0, 2.5])
@pytest.mark.parametrize("weighted", [False, True])
def test_finite_differences(name: str, temperature: float, weighted: bool, rng: np.random.Generator) -> None:
    lists = strategies.random_lists(rng, [5, 1, 0, 6], spread=1.0)
    if weighted:
        n = len(lists.labels)
        w = rng.uniform(0.5, 2, n) if name in ITEM_WEIGHTS else rng.uniform(0.5, 2, (4, 1))
        lists = replace(lists, sample_weight=w)
    objective = bind(name, lists, temperature=temperature)
    x, v = lists.scores, rng.normal(size=len(lists.scores))
    grad, hess = objective.grad_and_hess(x)
    for k, unit in enumerate(np.eye(len(x))):
        assert difference(objective.value, x, unit) == pytest.approx(grad[k], rel=1e-7, abs=1e-7)
        second = difference(lambda s: objective.grad_and_hess(s)[0], x, unit)
        assert second[k] == pytest.approx(hess[k], rel=1e-7, abs=1e-7)
    along = difference(lambda s: objective.grad_and_hess(s)[0], x, v)
    np.testing.assert_allclose(objective.hessp(x, v), along, rtol=1e-7, atol=1e-7)


@every_loss
def test_laws(name: str, rng: np.random.Generator) -> None:
    """Shifting scores, padding, splitting a batch, weights of lists; the gradient sums to 0."""
    lists = strategies.random_lists(rng, [6, 4, 9])
    objective = bind(name, lists)
    value, grad = objective.value_and_grad(lists.scores)
    if name not in POINTWISE:
        shifted, shifted_grad = objective.value_and_grad(lists.scores + 7.0)
        assert shifted == pytest.approx(value, rel=1e-13)
        np.testing.assert_allclose(shifted_grad, grad, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose([grad[p].sum() for p in lists.slices], 0, atol=1e-13)
    y, s, mask, _ = strategies.to_padded(lists, width=12, fill=-1.0)
    padded, padded_grad = CASES[name]().value_and_grad({"labels": y, "mask": mask}, s)
    assert padded == value
    np.testing.assert_array_equal(padded_grad[mask], grad)
    np.testing.assert_array_equal(padded_grad[~mask], 0)
    parts = [CASES[name]()(lists.labels[p], lists.scores[p]) for p in lists.slices]
    assert sum(parts) == pytest.approx(value, rel=1e-14)
    weights = np.array([[2.0], [0.0], [0.5]])
    weighted = replace(lists, sample_weight=weights)
    assert bind(name, weighted).value(lists.scores) == pytest.approx(float(parts @ weights[:, 0]), rel=1e-14)


@every_loss
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_list_knows_nothing_of_the_one_before(name: str, dtype: Any) -> None:
    """The gradient of a list, -2 for half of it, lies where the padding of the next one is, which is shorter."""
    loss, y = CASES[name](), np.array([4.0, 2, 2, 1, 4] + [3] * 20)
    for n in range(1, 18):
        scores = np.full(25 + n, 2, dtype=dtype)
        both = loss.bind(np.append(y, np.full(n, 3.0)), [[0.5], [0.5]], offsets=[0, 25, 25 + n])
        first, second = loss.bind(y, [[0.5]]), loss.bind(np.full(n, 3.0), [[0.5]])
        value, grad = first.value_and_grad(scores[:25])
        next_value, next_grad = second.value_and_grad(scores[25:])
        for _ in range(2):
            total, gradient = both.value_and_grad(scores)
            assert total == both.value(scores) == value + next_value
            assert np.array_equal(gradient, np.append(grad, next_grad))


@every_loss
def test_items_may_be_permuted(name: str, rng: np.random.Generator) -> None:
    labels, scores, order = rng.permutation(9) / 2.0, rng.normal(size=9), rng.permutation(9)
    value, grad = CASES[name]().value_and_grad(labels, scores)
    permuted, permuted_grad = CASES[name]().value_and_grad(labels[order], scores[order])
    assert permuted == pytest.approx(value, rel=1e-14)
    np.testing.assert_allclose(permuted_grad, grad[order], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", [*CASES, "xendcg"])
def test_threads_do_not_change_a_bit(name: str, rng: np.random.Generator) -> None:
    loss = rg.XENDCGLoss() if name == "xendcg" else CASES[name]()
    lists = strategies.random_lists(rng, rng.integers(0, 200, 400))
    objective = loss.bind(lists.labels, offsets=lists.offsets)
    for call in (objective.value_and_grad, objective.grad_and_hess):
        one, two = call(lists.scores, n_threads=1), call(lists.scores, n_threads=2)
        for a, b in zip(one, two, strict=True):
            np.testing.assert_array_equal(a, b)


@every_loss
def test_reductions(name: str) -> None:
    labels = np.array([[1.0, 0, 2, -1], [0, 1, -1, -1], [-1, -1, -1, -1]])
    scores = np.array([[0.3, 0.1, -0.5, 9.0], [1.0, 1.5, 9.0, 9.0], [9.0] * 4])
    values = CASES[name](reduction="none")(labels, scores)
    pointwise = name in POINTWISE
    assert values.shape == ((3, 4) if pointwise else (3,))
    total = values.sum()
    for reduction, divisor in {
        "sum": 1,
        "sum_over_batch_size": 12 if pointwise else 3,
        "mean_with_sample_weight": 12 if pointwise else 3,
        "mean_over_lists": 2,
        "mean_over_items": 5,
    }.items():
        assert CASES[name](reduction=reduction)(labels, scores) == pytest.approx(total / divisor, rel=1e-14)
    column = np.array([[2.0], [0.5], [1.0]])
    weighted = CASES[name](reduction="mean_with_sample_weight")(labels, scores, column)
    by_hand = (values * (column if pointwise else column[:, 0])).sum() / 3.5
    assert weighted == pytest.approx(by_hand, rel=1e-14)
    with pytest.raises(ValueError, match="reduction"):
        CASES[name](reduction="mean_over_pairs")
    assert CASES[name](reduction="none")(labels[2], scores[2]) is not None
    np.testing.assert_array_equal(CASES[name]().value_and_grad(labels[2], scores[2])[1], 0)


@every_loss
def test_cotangent(name: str, rng: np.random.Generator) -> None:
    """The derivatives are those of sum(cotangent * value), also where there are as many lists as items."""
    for sizes in ([3, 1, 4], [1, 1, 1]):
        lists = strategies.random_lists(rng, sizes)
        objective = bind(name, lists, reduction="none")
        values = objective.value(lists.scores)
        c = rng.normal(size=values.shape)
        got, grad = objective.value_and_grad(lists.scores, cotangent=c)
        np.testing.assert_array_equal(got, values)
        weights = c if name in POINTWISE else c[:, None]
        if name in POINTWISE or len(sizes) != len(lists.scores):
            want = bind(name, replace(lists, sample_weight=weights)).value_and_grad(lists.scores)[1]
            np.testing.assert_allclose(grad, want, rtol=1e-12, atol=1e-15)


def test_weights_of_the_wrong_kind() -> None:
    y, s = np.ones((2, 2)), np.zeros((2, 2))
    for name in set(CASES) - set(ITEM_WEIGHTS):
        with pytest.raises(ValueError, match=r"sample_weight.*one weight per list"):
            CASES[name]()(y, s, np.ones((2, 2)))
        assert CASES[name]()(y, s, [1.0, 2.0]) == CASES[name]()(y, s, [[1.0], [2.0]])
    for name in set(ITEM_WEIGHTS) - {"list_mle"}:
        with pytest.raises(ValueError, match=r"sample_weight.*column of shape \(2, 1\)"):
            CASES[name]()(y, s, np.ones(2))
    with pytest.raises(ValueError, match="fits neither the items"):
        CASES["list_mle"]()(y, s, np.ones(3))
    with pytest.raises(ValueError, match="pairs"):
        _ = CASES["softmax"]().bind(y).pairs_per_list


@every_loss
def test_bad_numbers(name: str) -> None:
    labels, scores = np.array([[1.0, 0, 2], [0, 1, 2]]), np.array([[0.1, 0.2, 0.3], [np.nan, 1.0, 2.0]])
    with pytest.raises(ValueError, match=r"NaN.*list 1, position 0"):
        CASES[name]()(labels, scores)
    loss = CASES[name](nan="propagate", reduction="none")
    values, grad = loss.value_and_grad(labels, scores)
    assert np.isnan(grad[1]).all()
    assert np.isnan(values[1]).all()
    clean_values, clean_grad = CASES[name](reduction="none").value_and_grad(labels[:1], scores[:1])
    np.testing.assert_array_equal(grad[:1], clean_grad)
    np.testing.assert_array_equal(values[:1], clean_values)
    masked = {"labels": labels, "mask": ~np.isnan(scores)}
    np.testing.assert_array_equal(CASES[name]().value_and_grad(masked, scores)[1][1, 0], 0)


def test_parameters_are_checked() -> None:
    for make in (
        lambda: rg.UniqueSoftmaxLoss(gain="cubic"),
        lambda: rg.Poly1SoftmaxLoss(epsilon=float("nan")),
        lambda: rg.ApproxNDCGLoss(k=0),
        lambda: rg.XENDCGLoss(seed=-1),
        lambda: rg.XENDCGLoss()([1, 0], [0.0, 1.0], iteration=-1),
    ):
        with pytest.raises(ValueError, match="wanted"):
            make()
    assert rg.ApproxNDCGLoss().temperature == rg.ApproxMRRLoss().temperature == 0.1
    loss = rg.ApproxNDCGLoss(0.5, k=3)
    assert rg.ApproxNDCGLoss.from_config(loss.get_config()) == loss


def xendcg_phi(loss: rg.XENDCGLoss, labels: Array, iteration: int) -> Array:
    """phi / sum phi, read off the gradient at equal scores: 1/n - phi_i / sum phi."""
    grad = loss.value_and_grad(labels, np.zeros(len(labels)), iteration=iteration)[1]
    return np.asarray(1 / len(labels) - grad)


def test_xendcg() -> None:
    """Noise is uniform in [0, 1), a function of (seed, iteration, list, position); the rest is ListNet's softmax."""
    n = 20000
    labels = np.zeros(n)
    labels[0] = 10  # 2^10 - u fixes the scale
    loss = rg.XENDCGLoss(reduction="sum")
    phi = xendcg_phi(loss, labels, 3)
    u = 1 - phi[1:] / phi[1:].mean() / 2
    assert u.min() > -0.02
    assert u.max() < 1.02
    np.testing.assert_allclose(np.histogram(u, 4, (0, 1))[0] / n, 0.25, atol=0.02)
    assert abs(np.corrcoef(u[1:], u[:-1])[0, 1]) < 0.03
    small, scores = np.array([2.0, 0, 1]), np.array([0.3, -1.0, 0.5])
    targets = xendcg_phi(loss, small, 7)
    expected = rg.SoftmaxLoss(reduction="sum").bind(targets)
    value, grad = loss.value_and_grad(small, scores, iteration=7)
    assert value == pytest.approx(expected.value(scores), rel=1e-13)
    np.testing.assert_allclose(grad, expected.value_and_grad(scores)[1], rtol=1e-12)
    objective = loss.bind(small)
    np.testing.assert_array_equal(objective.grad_and_hess(scores, iteration=7)[0], grad)
    np.testing.assert_allclose(
        objective.hessp(scores, scores, iteration=7), expected.hessp(scores, scores), rtol=1e-12
    )
    assert objective.value(scores) == loss(small, scores) != value
    assert rg.XENDCGLoss(seed=1)(small, scores) != loss(small, scores)
    # padding and masks do not move the noise; the second list has noise of its own
    both = rg.XENDCGLoss(reduction="none")(
        [[2.0, 0, 1, -1], [2, 0, 1, -1]], [[*scores, 9.0]] * 2, iteration=7
    )
    assert both[0] == value
    assert both[1] != value
    assert loss([5.0], [3.0]) == 0


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_list_mle_is_coxs_partial_likelihood(dtype: Any, rng: np.random.Generator) -> None:
    """Censored cases have weight 0: they are at risk and no events."""
    days, event = rng.permutation(40) + 1.0, (rng.random(40) < 0.6).astype(float)
    s = rng.normal(0, 2, 40).astype(dtype)
    at_risk = [np.log(np.exp(s[days >= day].astype(np.longdouble)).sum()) for day in days]
    want = float((event * (np.array(at_risk) - s)).sum())
    cox = rg.ListMLELoss(reduction="sum", negative_labels="use")
    assert cox(-days, s, event) == pytest.approx(want, rel=1e-12)
    ones = cox.bind(-days, np.ones(40))
    value, grad = ones.value_and_grad(s)
    plain, plain_grad = cox.value_and_grad(-days, s)
    assert value == pytest.approx(plain, rel=1e-14)
    np.testing.assert_array_equal(grad, plain_grad)


def test_list_mle_takes_weights_of_items_and_of_lists() -> None:
    """(n_lists,) is per list where it is not the shape of the items."""
    y, s = np.array([[2.0, 1, 0], [0, 2, 1]]), np.array([[0.1, 0.5, 0.2], [1.0, 0.3, 0.4]])
    loss = CASES["list_mle"]()
    by_list = loss(y, s, [[2.0], [3.0]])
    assert loss(y, s, [2.0, 3.0]) == by_list
    assert loss(y, s, [[2.0] * 3, [3.0] * 3]) == pytest.approx(by_list, rel=1e-14)
    flat, groups = y.ravel(), [3, 3]
    assert loss(flat, s.ravel(), [2.0, 3.0], groups=groups) == by_list
    assert loss(flat, s.ravel(), [2.0] * 3 + [3.0] * 3, groups=groups) == pytest.approx(by_list, rel=1e-14)
    single = loss(np.arange(2.0), np.zeros(2), [2.0, 3.0], groups=[1, 1])
    assert single == 0  # one item each: nothing to compete with
    masked = loss({"labels": y, "mask": [[True, True, False]] * 2}, s, [[1.0, 2.0, np.nan]] * 2)
    assert masked == pytest.approx(loss(y[:, :2], s[:, :2], [[1.0, 2.0]] * 2), rel=1e-14)


def test_positive_curvature_bounds_the_newton_step(rng: np.random.Generator) -> None:
    lists = strategies.random_lists(rng, [30, 50])
    for name in ("approx_ndcg", "approx_mrr"):
        objective = bind(name, lists, temperature=0.3)
        grad, hess = objective.grad_and_hess(lists.scores, curvature="positive")
        assert (np.abs(grad) <= 0.3 * hess * (1 + 1e-12)).all()
        assert (objective.grad_and_hess(lists.scores)[1] < 0).any()


def test_every_registered_loss_is_tested() -> None:
    from rankgrad import _core

    assert {case.make._kernel for case in CASES.values()} == set(_core.list_losses())
