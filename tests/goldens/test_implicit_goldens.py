"""The implicit losses give Collie's values: documented examples, its own tests' inputs, random batches, edges."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rankgrad as rg

pytestmark = pytest.mark.usefixtures("isa")

GOLDENS = json.loads((Path(__file__).parent / "data" / "collie.json").read_text())
CATALOGUE = GOLDENS["catalogue"]

#: float32 results of Collie carry its own rounding; float64 is compared with its formulas in exact float64.
RTOL = {"float32": 1e-5, "float64": 1e-12}

#: Edges where rankgrad raises or differs on purpose, each with its reason.
NOT_FOLLOWED = {
    "nan negative after first violation": "NaN raises",
    "nan negative before first violation": "NaN raises",
    "+inf positive": "infinity raises",
    "+inf negative": "infinity raises",
    "warp num_items=0": "fewer items than negatives",
    "warp num_items None": "raises, with a clearer message",
    "weights missing key": "raises ValueError, not KeyError",
    "weights extra key counts in the sum": "raises, naming the key",
    "metadata without items": "raises ValueError, not AttributeError",
    "item id out of range": "raises ValueError, not IndexError",
    "(B,1) pos vs (B,) neg -> BxB": "shapes that broadcast to B x B raise",
    "adaptive with 1-d negatives: one scalar max": "one negative shared by all positives is nobody's wish: raises",
    "warp with (1,B) positives": "raises ValueError",
    "warp with (B,1) positives": "raises",
    "empty batch": "raises instead of NaN",
    "no negatives": "raises instead of 0",
}


def loss_of(name: str) -> Any:
    return getattr(rg, f"{name}_loss")


def close(actual: Any, expected: Any, rtol: float) -> None:
    np.testing.assert_allclose(actual, np.asarray(expected, dtype=np.float64), rtol=rtol, atol=rtol * 1e-3)


def hold(case: dict[str, Any], expected: dict[str, Any], dtype: str, rtol: float, **keywords: Any) -> None:
    """Value, gradients and Hessians equal those of `expected`."""
    positive = np.array(case["positive_scores"], dtype=dtype)
    negative = np.array(case["negative_scores"], dtype=dtype)
    arguments = (positive, negative, case.get("num_items"))
    loss = loss_of(case["loss"])
    assert loss(*arguments, **keywords) == pytest.approx(expected["value"], rel=rtol, abs=rtol * 1e-3)
    value, gradients = loss.value_and_grad(*arguments, **keywords)
    assert value == loss(*arguments, **keywords)
    hessians = loss.grad_and_hess(*arguments, **keywords)[1]
    for kind, (of_positive, of_negative) in {"grad": gradients, "hess": hessians}.items():
        assert of_positive.dtype == of_negative.dtype == dtype
        close(of_positive, expected[f"{kind}_pos"], rtol)
        if f"{kind}_neg" in expected:
            close(of_negative, expected[f"{kind}_neg"], rtol)
        else:  # only the selected negative has a gradient, the opposite of the positive's
            chosen = np.zeros_like(negative)
            for b, k in enumerate(expected["selected"]):
                if k >= 0:
                    chosen[k, b] = -of_positive[b] if kind == "grad" else of_positive[b]
            np.testing.assert_array_equal(of_negative, chosen)


def items_of(case: dict[str, Any], metadata: Any, weights: Any) -> dict[str, Any]:
    if not metadata:
        return {}
    return {
        "positive_items": np.array(case["positive_items"]),
        "negative_items": np.array(case["negative_items"]),
        "metadata": {key: np.array(array) for key, array in metadata.items()},
        "metadata_weights": weights,
    }


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", GOLDENS["documented"], ids=lambda c: f"{c['cell']}-{c['loss']}")
def test_documented_examples(case: dict[str, Any], dtype: str) -> None:
    keywords = items_of(case, case.get("metadata"), case.get("metadata_weights"))
    hold(case, case["exact64"], dtype, RTOL[dtype], **keywords)
    printed = case["printed"].removeprefix("tensor(").removesuffix(")")
    positive, negative = np.array(case["positive_scores"]), np.array(case["negative_scores"])
    value = loss_of(case["loss"])(positive, negative, case.get("num_items"), **keywords)
    assert f"{value:.4f}" == f"{float(printed):.4f}"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", GOLDENS["collie_tests"], ids=lambda c: f"{c['loss']}-{len(c['metadata'])}")
def test_collies_own_tests(case: dict[str, Any], dtype: str) -> None:
    metadata = {key: case["metadata_arrays"][key] for key in case["metadata"]}
    hold(case, case["exact64"], dtype, RTOL[dtype], **items_of(case, metadata, case["metadata_weights"]))


@pytest.mark.parametrize("case", GOLDENS["cases"], ids=lambda c: c["id"])
def test_random_batches(case: dict[str, Any]) -> None:
    keys = ["a", "b"][: case["n_metadata"]]
    metadata = {key: CATALOGUE[key] for key in keys}
    weights = CATALOGUE[f"weights_{len(keys)}"] if keys else None
    hold(case, case["exact64"], case["dtype"], RTOL[case["dtype"]], **items_of(case, metadata, weights))


EDGES = [case for case in GOLDENS["special"] if "ref" in case]
OTHER_DTYPES = [case for case in GOLDENS["special"] if "result" in case]


@pytest.mark.parametrize("case", EDGES, ids=lambda c: f"{c['label']}-{c['loss']}")
def test_edges(case: dict[str, Any]) -> None:
    keywords = items_of(case, case["metadata"], case["metadata_weights"])
    if case["metadata"] and case["positive_items"] is None:
        keywords["positive_items"] = None
    if case["label"] not in NOT_FOLLOWED:
        ref = {k: to_float(v) for k, v in case["ref"].items() if k != "value_dtype"}
        if ref["value"] == np.inf:  # the squares overflow Collie's float32; rankgrad's value is a double
            slack = 1.0 - np.subtract(case["positive_scores"], case["negative_scores"])
            ref["value"] = np.mean(slack + slack**2)
        hold(case, ref, case["dtype"], RTOL[case["dtype"]], **keywords)
        return
    positive = np.array(to_float(case["positive_scores"]), dtype=case["dtype"])
    negative = np.array(to_float(case["negative_scores"]), dtype=case["dtype"])
    if case["label"] == "no negatives":
        negative = negative.reshape(0, 1)
    with pytest.raises((ValueError, TypeError)):
        loss_of(case["loss"])(positive, negative, case["num_items"], **keywords)


@pytest.mark.parametrize("case", OTHER_DTYPES, ids=lambda c: f"{c['label']}-{c['loss']}")
def test_other_dtypes(case: dict[str, Any]) -> None:
    """Integers are computed in float64, half precision in float32; Collie's half precision is coarser than both."""
    dtype = {"torch.int64": np.int64}.get(case["label"].split()[1], np.float32)
    expected, result_dtype = case["result"]
    rtol = 1e-5 if result_dtype == "torch.float32" else 2e-3
    arguments = (
        np.array(case["positive_scores"], dtype),
        np.array(case["negative_scores"], dtype),
        case["num_items"],
    )
    value, gradients = loss_of(case["loss"]).value_and_grad(*arguments)
    assert value == pytest.approx(expected, rel=rtol)
    assert gradients[0].dtype == (np.float64 if dtype == np.int64 else np.float32)


def to_float(x: Any) -> Any:
    """Goldens hold "nan" and "inf" as text."""
    return [to_float(y) for y in x] if isinstance(x, list) else float(x)
