"""Values of keras-rs, Rax and TensorFlow Ranking (see data/README.md): float64 to 1e-12, float32 to 1e-6."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import rankgrad as rg

from golden_files import array, load, y_true

pytestmark = pytest.mark.usefixtures("isa")

#: keras-rs cases that rankgrad does not follow, by (case, loss or None for all), with the reason.
NOT_FOLLOWED = {
    ("sw_B_equals_N", None): "(B,) weights with 2-D input are ambiguous when B == N: rankgrad raises",
    ("nan_label", None): "NaN labels dropped silently (or NaN results): rankgrad raises",
    ("nan_in_valid_logit", None): "a NaN result: rankgrad raises by default",
    (
        "nan_in_masked_logit",
        None,
    ): "a NaN result from a masked score: for rankgrad a masked item never matters",
    (
        "inf_in_masked_logit",
        None,
    ): "a NaN result from a masked score: for rankgrad a masked item never matters",
    (
        "neginf_in_masked_logit",
        None,
    ): "a NaN result from a masked score: for rankgrad a masked item never matters",
    ("bf16", None): "bfloat16 arithmetic: rankgrad computes in float32",
}

CLASSES = {
    "pairwise_hinge_loss": rg.PairwiseHingeLoss,
    "pairwise_logistic_loss": rg.PairwiseLogisticLoss,
    "pairwise_soft_zero_one_loss": rg.PairwiseSoftZeroOneLoss,
    "pairwise_mse_loss": rg.PairwiseMeanSquaredError,
    "pairwise_qr_loss": rg.PairwiseQuantileLoss,
}


def reason_not_followed(case: dict[str, Any]) -> str | None:
    return NOT_FOLLOWED.get((case["name"], None)) or NOT_FOLLOWED.get((case["name"], case["loss"]))


KERAS = load("keras_rs_documented.json") + load("keras_rs_pairwise.json")
KERAS_VALUES = [
    case for case in KERAS if "error" not in case["jax_float32"] and not reason_not_followed(case)
]
KERAS_ERRORS = [case for case in KERAS if "error" in case["jax_float32"]]


def case_id(case: dict[str, Any]) -> str:
    return f"{case['loss']}-{case['name']}".replace(" ", "_")


#: (dtype, tolerance of values, of gradients) of the systems that the cases were run on
SYSTEMS = {"jax_float64": (np.float64, 1e-12, 1e-10), "jax_float32": (np.float32, 1e-6, 1e-6)}


@pytest.mark.parametrize(
    ("case", "system"),
    [
        pytest.param(case, system, id=f"{case_id(case)}-{system}")
        for case in KERAS_VALUES
        for system in SYSTEMS
        if system in case
    ],
)
def test_keras_rs(case: dict[str, Any], system: str) -> None:
    dtype, value_tolerance, grad_tolerance = SYSTEMS[system]
    want = case[system]
    loss = getattr(rg, case["loss"])(**case["kwargs"])
    value, grad = loss.value_and_grad(
        y_true(case, dtype), array(case["y_pred"], dtype), case["sample_weight"]
    )
    # keras-rs gives (1, N) where rankgrad gives (N,): reduction "none" of one unbatched list
    expected = array(want["output"]).reshape(np.shape(value))
    assert list(np.shape(value)) == want["shape"] or [1, *np.shape(value)] == want["shape"]
    np.testing.assert_allclose(value, expected, rtol=value_tolerance, atol=value_tolerance)
    if "grad_of_sum_of_output" in want:
        expected = array(want["grad_of_sum_of_output"])
        np.testing.assert_allclose(grad, expected, rtol=grad_tolerance, atol=grad_tolerance)
        assert grad.dtype == dtype


@pytest.mark.parametrize("case", KERAS_ERRORS, ids=case_id)
def test_keras_rs_raises_and_so_does_rankgrad(case: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        getattr(rg, case["loss"])(**case["kwargs"])(
            y_true(case, np.float32), array(case["y_pred"], np.float32), case["sample_weight"]
        )


def test_printed_values_of_the_documentation() -> None:
    """To the digits that keras-rs's pages print (0.64999 is their truncation of 0.65 in float32)."""
    for case in load("keras_rs_documented.json"):
        loss = rg.PairwiseHingeLoss(**case["kwargs"])
        value = loss(y_true(case, np.float32), array(case["y_pred"], np.float32))
        if case["sample_weight"] is not None:
            value = loss(y_true(case, np.float32), array(case["y_pred"], np.float32), case["sample_weight"])
        printed = np.array(
            json.loads(case["printed"].replace(". ", ".0 ").replace(".]", ".0]").replace(".,", ".0,"))
        )
        np.testing.assert_allclose(value, printed, rtol=0, atol=1.1e-5)


@pytest.mark.parametrize("case", [c for c in KERAS if c["name"].endswith("_in_masked_logit")], ids=case_id)
def test_masked_scores_do_not_matter(case: dict[str, Any]) -> None:
    """Where keras-rs gives NaN, rankgrad gives the value that it has with any other number under the mask."""
    loss = getattr(rg, case["loss"])(**case["kwargs"])
    scores = array(case["y_pred"])
    value, grad = loss.value_and_grad(y_true(case, np.float64), scores)
    expected, expected_grad = loss.value_and_grad(
        y_true(case, np.float64), np.nan_to_num(scores, posinf=5, neginf=-5)
    )
    assert np.isfinite(value).all()
    np.testing.assert_array_equal(value, expected)
    np.testing.assert_array_equal(grad, expected_grad)


@pytest.mark.parametrize("case", [c for c in KERAS if c["name"] == "nan_in_valid_logit"], ids=case_id)
def test_nan_propagates_where_asked(case: dict[str, Any]) -> None:
    """nan="propagate" gives keras-rs's result; the default raises."""
    labels, scores = y_true(case, np.float32), array(case["y_pred"], np.float32)
    with pytest.raises(ValueError, match=r"y_pred|scores"):
        getattr(rg, case["loss"])(**case["kwargs"])(labels, scores)
    value, grad = getattr(rg, case["loss"])(**case["kwargs"], nan="propagate").value_and_grad(labels, scores)
    np.testing.assert_allclose(value, array(case["jax_float32"]["output"]), rtol=1e-6)
    np.testing.assert_allclose(
        grad, array(case["jax_float32"]["grad_of_sum_of_output"]), rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize(
    "case", [c for c in KERAS if c["name"] in ("sw_B_equals_N", "nan_label")], ids=case_id
)
def test_rankgrad_raises_where_keras_rs_is_silent(case: dict[str, Any]) -> None:
    argument = r"sample_weight.*\(2, 1\)" if case["name"] == "sw_B_equals_N" else "y_true|labels"
    with pytest.raises(ValueError, match=argument):
        getattr(rg, case["loss"])(**case["kwargs"])(
            y_true(case, np.float32), array(case["y_pred"], np.float32), case["sample_weight"]
        )


@pytest.mark.parametrize("case", [c for c in KERAS if c["name"] == "bf16"], ids=case_id)
def test_bfloat16_is_computed_in_float32(case: dict[str, Any]) -> None:
    """keras-rs's own value has three digits; rankgrad's is that of the same bfloat16 scores in float32."""
    bfloat16 = pytest.importorskip("ml_dtypes", reason="bfloat16 arrays need ml_dtypes").bfloat16
    kwargs = {key: value for key, value in case["kwargs"].items() if key != "dtype"}
    loss = getattr(rg, case["loss"])(**kwargs)
    scores = array(case["y_pred"]).astype(bfloat16)
    value, grad = loss.value_and_grad(y_true(case, np.float32), scores)
    assert grad.dtype == np.float32
    assert value == loss.value_and_grad(y_true(case, np.float32), scores.astype(np.float32))[0]
    assert value == pytest.approx(case["jax_float32"]["output"], rel=0.01)


@pytest.mark.parametrize("case", load("rax_pairwise.json"), ids=lambda c: f"{c['fn']}-{c['name']}")
def test_rax(case: dict[str, Any]) -> None:
    """Rax's sum is "sum", its mean "mean_over_pairs"; its flat pairs, summed over j, are reduction "none"."""
    options = dict(case["kwargs"])
    scores, labels = array(case["scores"]), array(case["labels"])
    reduction = {"sum": "sum", "mean": "mean_over_pairs", None: "none"}[options.pop("reduce_fn", "mean")]
    loss = CLASSES[case["fn"]](reduction=reduction, negative_labels="use")
    weights, where, segments = (
        options.pop("weights", None),
        options.pop("where", None),
        options.pop("segments", None),
    )
    assert not options
    if "error" in case:
        with pytest.raises(ValueError, match=r"y_true|labels"):
            loss(labels, scores)
        return
    order, sizes = np.arange(scores.size), {}
    if segments is not None:  # Rax's segments need not be contiguous; rankgrad's lists are
        order, sizes = np.argsort(segments, kind="stable"), {"groups": np.bincount(segments)}
        scores, labels = scores[order], labels[order]
        where = None if where is None else np.array(where)[order]
    y = labels if where is None else {"labels": labels, "mask": where}
    value, grad = loss.value_and_grad(y, scores, weights, **sizes)
    expected = array(case["output"])
    if reduction == "none":
        n = scores.shape[-1]
        expected = expected.reshape(-1, n, n).sum(-1).ravel()[order].reshape(scores.shape)
    np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-12)
    if "grad_of_sum_of_output" in case:
        expected = array(case["grad_of_sum_of_output"]).ravel()[order].reshape(scores.shape)
        np.testing.assert_allclose(grad, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("case", load("pairwise_derivatives.json"), ids=lambda c: f"{c['loss']}-{c['case']}")
def test_gradients_and_diagonal_hessians(case: dict[str, Any]) -> None:
    make = CLASSES.get(case["loss"]) or getattr(rg, case["loss"])
    loss = make(case.get("temperature", 1.0), reduction=case["reduction"])
    mask = case.get("mask") or case.get("where")
    labels = array(case["labels"])
    objective = loss.bind(labels if mask is None else {"labels": labels, "mask": np.array(mask)})
    scores = array(case["scores"])
    assert objective.value(scores) == pytest.approx(case["value"], rel=1e-12)
    grad, hess = objective.grad_and_hess(scores)
    np.testing.assert_allclose(grad, case["grad"], rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(hess, case["hess_diag"], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    "case", load("tensorflow_ranking_pairwise.json"), ids=lambda c: c["loss"].split(".")[-1]
)
def test_tensorflow_ranking_docstrings(case: dict[str, Any]) -> None:
    """Printed with 7 or 8 digits in float32. Its ragged mean divides by B * longest list: padding with -1."""
    name = case["loss"].split(".")[-1].replace("MSELoss", "MeanSquaredError")
    loss = getattr(rg, name)()
    assert loss(case["y_true"], case["y_pred"]) == pytest.approx(case["dense"], rel=5e-7)
    width = max(map(len, case["ragged_y_true"]))
    labels = [row + [-1.0] * (width - len(row)) for row in case["ragged_y_true"]]
    scores = [row + [0.0] * (width - len(row)) for row in case["ragged_y_pred"]]
    assert loss(labels, scores) == pytest.approx(case["ragged"], rel=5e-7)
    flat = getattr(rg, name)(reduction="sum")(
        np.concatenate(case["ragged_y_true"]),
        np.concatenate(case["ragged_y_pred"]),
        groups=[len(row) for row in case["ragged_y_true"]],
    )
    assert flat / (len(labels) * width) == pytest.approx(case["ragged"], rel=5e-7)
