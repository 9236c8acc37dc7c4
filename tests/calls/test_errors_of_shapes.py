"""Arrays that do not fit each other raise an error that names them and their shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reference import Array
from wrong_input import LABELS, SCORES, WIDE_LABELS, WIDE_SCORES, WRONG, call_all, labels_, scores_

pytestmark = pytest.mark.usefixtures("isa")


@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        (LABELS, SCORES[:7], rf"{labels_}.*\b8\b.*\b7\b|{scores_}.*\b7\b.*\b8\b"),
        (WIDE_LABELS, SCORES, rf"{labels_}.*\(2, 4\)|{scores_}.*\(8,\)"),
        (WIDE_LABELS, WIDE_SCORES.T, rf"{labels_}.*\(2, 4\)|{scores_}.*\(4, 2\)"),
        (1.0, 2.0, rf"{labels_}|{scores_}"),
        (LABELS.reshape(2, 2, 2), SCORES.reshape(2, 2, 2), rf"{labels_}|{scores_}"),
        ({"labels": WIDE_LABELS, "mask": np.ones(4, dtype=bool)}, WIDE_SCORES, r"mask.*\(4,\)"),
        ({"labels": WIDE_LABELS, "mask": np.ones((4, 2), dtype=bool)}, WIDE_SCORES, r"mask.*\(4, 2\)"),
        ({"mask": np.ones(8, dtype=bool)}, SCORES, r"y_true.*labels|labels.*y_true"),
        ({}, SCORES, r"y_true.*labels|labels.*y_true"),
        ([[1.0, 2.0], [3.0]], [[1.0], [2.0, 3.0]], rf"{labels_}.*list 0 has 2 items, .*{scores_}.* has 1"),
        (None, SCORES, labels_),
        (LABELS, None, scores_),
    ],
    ids=[
        "length",
        "rank",
        "transposed",
        "rank0",
        "rank3",
        "mask rank",
        "mask shape",
        "no labels",
        "empty dict",
        "other lists",
        "labels None",
        "scores None",
    ],
)
def test_shapes(labels: Any, scores: Any, message: str) -> None:
    with pytest.raises(WRONG, match=message):
        call_all(labels, scores)


@pytest.mark.parametrize(
    ("shape", "weights", "lists", "message"),
    [
        ((2, 4), np.ones(2), {}, r"sample_weight.*\(2, 1\)"),
        ((2, 2), np.ones(2), {}, r"sample_weight.*\(2, 1\)"),  # B == N: keras-rs takes them for item weights
        ((2, 4), np.ones(4), {}, "sample_weight"),
        ((2, 4), np.ones((1, 3)), {}, "sample_weight"),
        ((2, 4), np.ones((1, 4)), {}, "sample_weight"),
        ((2, 4), np.ones((4, 2)), {}, "sample_weight"),
        ((2, 4), np.ones((2, 4, 1)), {}, "sample_weight"),
        ((8,), np.ones(7), {}, "sample_weight"),
        ((8,), np.ones(2), {"groups": [3, 5]}, "sample_weight"),
        ((8,), np.ones((3, 1)), {"groups": [3, 5]}, "sample_weight"),
        ((8,), np.ones((8, 1)), {"groups": [3, 5]}, "sample_weight"),
    ],
)
def test_weight_shapes(shape: tuple[int, ...], weights: Array, lists: dict[str, Any], message: str) -> None:
    n = int(np.prod(shape))
    with pytest.raises(ValueError, match=message):
        call_all(LABELS[:n].reshape(shape), SCORES[:n].reshape(shape), weights, **lists)
