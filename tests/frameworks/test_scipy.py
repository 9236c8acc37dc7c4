"""`rankgrad.scipy`: a loss as a function of the weights of a linear model, and SciPy's minimizers on it."""

from __future__ import annotations

import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import rankgrad as rg
from rankgrad.datasets import make_ranking

pytest.importorskip("scipy", reason="SciPy is not installed")

from rankgrad.scipy import LinearObjective, linear_objective
from scipy import sparse
from scipy.optimize import approx_fprime, minimize

X, Y, GROUPS = make_ranking(n_lists=30, n_features=8, max_length=60)
X[np.abs(X) < 0.5] = 0.0
RNG = np.random.default_rng(3)
W, V = RNG.normal(size=(2, 8))
LOSS = rg.PairwiseLogisticLoss(reduction="mean_over_pairs")
LOSSES = [LOSS, rg.SoftmaxLoss(), rg.ListMLELoss(), rg.PointwiseMeanSquaredError(), rg.ApproxNDCGLoss(1.0)]


def made(loss: Any = LOSS, x: Any = X, **options: Any) -> LinearObjective:
    return linear_objective(loss, x, Y, **{"groups": GROUPS, "l2": 0.1} | options)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
def test_it_is_the_loss_of_the_products_and_the_penalty(loss: Any) -> None:
    f, objective = made(loss), loss.bind(Y, groups=GROUPS)
    value, grad = objective.value_and_grad(X @ W)
    assert f.fun(W) == pytest.approx(value + 0.05 * W @ W, rel=1e-14)
    np.testing.assert_allclose(f.jac(W), X.T @ grad + 0.1 * W, rtol=1e-12, atol=1e-14)
    want = X.T @ objective.hessp(X @ W, X @ V) + 0.1 * V
    np.testing.assert_allclose(f.hessp(W, V), want, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
def test_derivatives_by_differences(loss: Any) -> None:
    f = made(loss)
    np.testing.assert_allclose(approx_fprime(W, f.fun, 1e-7), f.jac(W), rtol=1e-4, atol=1e-6)
    slope = (f.jac(W + 1e-5 * V) - f.jac(W - 1e-5 * V)) / 2e-5
    np.testing.assert_allclose(f.hessp(W, V), slope, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("form", ["csr_array", "csc_array", "coo_matrix", "csr_matrix"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8])
def test_sparse_features_are_dense_ones(form: str, dtype: Any) -> None:
    x = np.round(10 * X).astype(dtype)
    dense, thin = made(x=x), made(x=getattr(sparse, form)(x))
    for got, want in (
        (thin.fun(W), dense.fun(W)),
        (thin.jac(W), dense.jac(W)),
        (thin.hessp(W, V), dense.hessp(W, V)),
    ):
        np.testing.assert_allclose(got, want, rtol=1e-10)


def test_float32_features_are_summed_in_float64() -> None:
    x, y, groups = make_ranking(n_lists=300, n_features=8)
    assert len(y) > 2 * 4096
    narrow = x.astype(np.float32)
    options = {"groups": groups, "l2": 0.1}
    for thin in (narrow, np.asfortranarray(narrow), sparse.csr_array(narrow)):
        f, want = (
            linear_objective(LOSS, thin, y, **options),
            linear_objective(LOSS, narrow.astype(float), y, **options),
        )
        assert f.jac(W).dtype == np.float64
        assert f.fun(W) == pytest.approx(want.fun(W), rel=1e-12)
        np.testing.assert_allclose(f.jac(W), want.jac(W), rtol=1e-10)
        np.testing.assert_allclose(f.hessp(W, V), want.hessp(W, V), rtol=1e-10)


@pytest.mark.parametrize("features", [X, sparse.csr_array(X)], ids=["dense", "CSR"])
def test_minimizers_reach_the_same_optimum(features: Any) -> None:
    found = []
    for method, options in (
        ("L-BFGS-B", {"ftol": 1e-15, "gtol": 1e-8}),
        ("Newton-CG", {"xtol": 1e-10}),
        ("trust-krylov", {"gtol": 1e-8}),
    ):
        f = made(x=features, l2=0.01)
        hessp = None if method == "L-BFGS-B" else f.hessp
        result = minimize(f.fun, np.zeros(8), jac=f.jac, hessp=hessp, method=method, options=options)
        assert np.abs(f.jac(result.x)).max() < 1e-6, method
        found.append(result.x)
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], atol=1e-5)


def test_a_point_costs_one_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    f, seen = made(), []

    class Counting:
        def value_and_grad(self, scores: Any) -> Any:
            seen.append(scores.copy())
            return bound.value_and_grad(scores)

        def hessp(self, *arguments: Any) -> Any:
            return bound.hessp(*arguments)

    bound = f._bound
    monkeypatch.setattr(f, "_bound", Counting())
    result = minimize(f.fun, np.zeros(8), jac=f.jac, hessp=f.hessp, method="trust-krylov")
    assert result.nit > 2
    assert len(seen) == len(np.unique(np.array(seen), axis=0)) == result.nfev

    w = W.copy()
    before = f.jac(w).copy()
    f.jac(w)[:] = 0.0  # results are the caller's
    w[0] += 1.0  # and so are the weights, changed in place
    assert f.fun(w) == made().fun(w)
    assert f.fun(w) != made().fun(W)
    np.testing.assert_array_equal(f.jac(W), before)


def test_threads_share_one_object() -> None:
    f, points = made(), RNG.normal(size=(40, 8))
    want = [(made().fun(w), made().jac(w).tolist()) for w in points]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda w: (f.fun(w), f.jac(w).tolist()), points)) == want


def test_pickles_and_repr() -> None:
    f = made(x=sparse.csr_array(X))
    value = f.fun(W)
    again = pickle.loads(pickle.dumps(f))
    assert again.fun(W) == value
    assert repr(again) == repr(f)
    assert repr(f).startswith(
        f"<linear objective of {len(Y)} items with 8 features, l2=0.1: PairwiseLogisticLoss("
    )


def test_labels_in_every_form() -> None:
    rows, w = X[:12], np.repeat([1.0, 2.0, 3.0], 4)
    y = RNG.integers(0, 3, (3, 4))
    want = linear_objective(LOSS, rows, y.ravel(), w, groups=[4, 4, 4]).fun(W)
    assert linear_objective(LOSS, rows, y, w.reshape(3, 4)).fun(W) == want
    assert linear_objective(LOSS, rows, list(y), list(w.reshape(3, 4))).fun(W) == want
    assert linear_objective(LOSS, rows, y.ravel(), w, offsets=[0, 4, 8, 12]).fun(W) == want
    assert linear_objective(LOSS, rows, y.ravel(), w, qid=list("aaaabbbbcccc")).fun(W) == want


WRONG: dict[str, tuple[Any, str]] = {
    "rows": (
        lambda: made(x=X[:-1]),
        rf"X: one row per item is wanted, got {len(Y) - 1} rows for {len(Y)} labels",
    ),
    "rank": (lambda: made(x=X[:, 0]), r"X: shape \(n_items, n_features\)"),
    "strings": (lambda: made(x=X.astype(str)), "X: numbers are wanted, got strings"),
    "NaN": (lambda: made(x=np.where(np.arange(8) == 2, np.nan, X)), "X: NaN or infinity in row 0, column 2"),
    "sparse NaN": (
        lambda: made(x=sparse.coo_array(([1.0, np.inf], ([3, 5], [4, 6])), shape=X.shape)),
        "X: NaN or infinity in row 5, column 6",
    ),
    "l2": (lambda: made(l2=-1.0), "l2: a finite number of at least 0"),
    "l2 NaN": (lambda: made(l2=np.nan), "l2: a finite number of at least 0"),
    "none": (
        lambda: made(rg.PairwiseHingeLoss(reduction="none")),
        'loss: has the reduction "none".*mean_over_pairs',
    ),
    "no loss": (lambda: made(rg.bpr_loss), "loss: a loss over lists is wanted"),
    "labels": (lambda: made(groups=[1]), "groups: sizes add up to 1"),
    "w": (lambda: made().fun(np.zeros(7)), r"w: one number per feature, shape \(8,\), is wanted, got \(7,\)"),
    "w of rank 2": (lambda: made().jac(np.zeros((8, 1))), r"w: one number per feature.*\(8, 1\)"),
    "w NaN": (lambda: made().fun(np.where(np.arange(8) == 3, np.nan, 0)), "w: NaN or infinity at index 3"),
    "v": (lambda: made().hessp(W, W[:2]), r"v: one number per feature, shape \(8,\), is wanted, got \(2,\)"),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors(name: str) -> None:
    call, message = WRONG[name]
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def test_scipy_is_imported_when_it_is_used() -> None:
    code = "import sys, rankgrad; assert 'scipy' not in sys.modules; import rankgrad.scipy, scipy; scipy.__version__"
    subprocess.run([sys.executable, "-c", code], check=True)
