"""Values, gradients and Hessians of every loss against 80 digits: ties, scores of +-1e4, every path, both types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import rankgrad as rg

from every_call import labelled_losses

pytest.importorskip("mpmath", reason="mpmath is not installed")

from mpmath import mpf

from exact_losses import LISTS, PAIRS, list_sums, pair_sums

#: Relative to the absolute terms: contract of the package.
RTOL = {"float64": 1e-12, "float32": 1e-6}
LONG, SHORT = 1000, 25
SMOOTH = (
    "PairwiseLogisticLoss",
    "PairwiseSoftZeroOneLoss",
    "PairwiseExponentialLoss",
    "PairwiseMeanSquaredError",
)


def some_list(rng: np.random.Generator, name: str, temperature: float) -> tuple[Any, Any]:
    """Labels and scores with ties, of which some are +-1e4, and no margin on a kink.

    Scores are multiples of 1/8 and temperatures powers of 2, so margins are exact, in float32 too: what is measured
    is the arithmetic of the loss and not the rounding of its input.
    """
    while True:
        n = int(rng.choice([1, 2, 3, 5, 9]))
        if name in SMOOTH and rng.random() < 0.03:
            n = 60  # long enough for more than one leaf of the near-linear sums
        labels = rng.integers(0, 4, n)
        scores = rng.integers(-40, 41, n) / 8
        far = rng.random(n) < 0.15 if rng.random() < 0.3 else np.zeros(n, bool)
        if "Exponential" not in name:  # e^20000 is infinite in float64
            scores = np.where(far, np.sign(scores) * 1e4, scores)
        if name == "ApproxMRRLoss" and len(np.unique(scores)) < n:
            continue  # the best rank is not unique: the minimum has a kink
        margin = (scores[:, None] - scores[None, :]) / (
            1.0 if name == "PairwiseMeanSquaredError" else temperature
        )
        gap = labels[:, None] - labels[None, :]
        kink = (margin == gap) & (gap > 0) if "Quantile" in name else (np.abs(margin) == 1) & (gap != 0)
        if not kink.any():
            return labels, scores


def exact(name: str, labels: Any, scores: Any, temperature: float) -> dict[str, Any]:
    y, s = [mpf(int(x)) for x in labels], [mpf(float(x)) for x in scores]
    sums = pair_sums if name in PAIRS else list_sums
    found = sums(name, s, y, mpf(temperature))
    noise = (1 + abs(found["value"][0])) * mpf(
        10
    ) ** -27  # of the differences, 1e-39, in units of the tolerance
    return {key: [x + noise for x in of] if key.endswith("terms") else of for key, of in found.items()}


def worst_error(got: Any, want: list[Any], terms: list[Any], kind: str) -> float:
    """The largest error in units of the absolute terms; next to the smallest numbers there is nothing to compare."""
    smallest = mpf(float(np.finfo(kind).tiny / np.finfo(kind).eps)) / RTOL[kind]
    pairs = zip(np.atleast_1d(got).tolist(), want, terms, strict=True)
    return max((float(abs(mpf(g) - w) / (t + smallest)) for g, w, t in pairs), default=0.0)


@pytest.mark.parametrize("name", [*PAIRS, *LISTS])
def test_truth(name: str, long: bool, figure: Callable[[str, str], None]) -> None:
    rng = np.random.default_rng(7)
    worst = dict.fromkeys(RTOL, 0.0)
    algorithms = ("direct", "fast") if name in PAIRS or name.startswith("Approx") else ("auto",)
    active = rg.select_isa(rg.isa_levels()[0])
    for _ in range(LONG if long else SHORT):
        temperature = float(rng.choice([0.5, 1.0, 2.0])) if name != "ApproxNDCGLoss(k)" else 1.0
        loss = type(labelled_losses()[name])(
            **{**parameters(name), "temperature": temperature, "reduction": "sum"}
        )
        labels, scores = some_list(rng, name, temperature)
        want = exact(name, labels, scores, temperature)
        for level in rg.isa_levels():
            rg.select_isa(level)
            for algorithm in algorithms:
                for dtype in (np.float64, np.float32):
                    bound = loss.bind(labels, algorithm=algorithm)
                    value, grad = bound.value_and_grad(scores.astype(dtype))
                    hess = bound.grad_and_hess(scores.astype(dtype))[1]
                    for key, got in (("value", value), ("grad", grad), ("hess", hess)):
                        kind = np.dtype(dtype).name
                        error = worst_error(got, want[key], want[f"{key} terms"], kind)
                        worst[kind] = max(worst[kind], error)
                        assert error <= RTOL[kind], (
                            level,
                            algorithm,
                            kind,
                            key,
                            labels,
                            scores,
                            temperature,
                            error,
                        )
    rg.select_isa(active)
    figure("truth", f"{name} {worst['float64']:.0e} {worst['float32']:.0e}")


def parameters(name: str) -> dict[str, Any]:
    loss = labelled_losses()[name]
    return {key: getattr(loss, key) for key in ("squared", "normalize_labels", "k") if hasattr(loss, key)}


def test_every_loss_has_its_truth() -> None:
    """XE-NDCG's targets are noise by definition: its sums are those of the softmax, with other targets."""
    without = {"XENDCGLoss"}
    assert set(labelled_losses()) - without == set(PAIRS) | set(LISTS)
