"""What must hold wherever the package is installed, NumPy being enough. Also a program of its own."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import rankgrad as rg


def test_documented_value_and_gradient() -> None:
    """Pairs (0,1), (2,0), (2,1) with margins -0.5, 1.5, 1: slack 1.5, 0, 0 (the kink has slope 0)."""
    loss = rg.PairwiseHingeLoss(reduction="sum")
    value, grad = loss.value_and_grad([1, 0, 2], [0.5, 1.0, 2.0])
    assert value == 1.5
    assert grad.tolist() == [-1.0, 1.0, 0.0]


def test_every_level_gives_the_logistic_loss_of_ragged_lists() -> None:
    rng = np.random.default_rng(0)
    groups = np.array([1, 0, 57, 300, 3])
    labels, scores = rng.integers(0, 4, groups.sum()), rng.normal(size=groups.sum())
    want, start = 0.0, 0
    for size in groups:
        y, s = labels[start : start + size], scores[start : start + size]
        want += np.logaddexp(0.0, s[None, :] - s[:, None])[y[:, None] > y[None, :]].sum()
        start += size
    active = rg.build_info()["isa"]
    for level in rg.isa_levels():
        rg.select_isa(level)
        objective = rg.PairwiseLogisticLoss(reduction="sum").bind(labels, groups=groups)
        assert abs(objective.value(scores) - want) <= 1e-12 * want
        grad, hess = objective.grad_and_hess(scores)
        assert abs(grad.sum()) <= 1e-12 * np.abs(grad).sum()
        assert (hess >= 0).all()
    rg.select_isa(active)


def test_losses_pickle() -> None:
    loss = rg.PairwiseLogisticLoss(0.5, reduction="none")
    assert pickle.loads(pickle.dumps(loss)) == loss


def test_type_information_is_there() -> None:
    folder = Path(rg.__file__).parent
    assert (folder / "py.typed").exists()
    assert (folder / "_core.pyi").exists()


if __name__ == "__main__":
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            test()
    rg.show_versions()
