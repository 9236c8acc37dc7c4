"""What must hold of the Keras losses on the backend of $KERAS_BACKEND; test_keras.py runs it, in an own process."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import keras
import keras_rs
import numpy as np
import pytest
import rankgrad as rg
import rankgrad.keras

BACKEND = keras.backend.backend()
RNG = np.random.default_rng(0)
X = RNG.normal(size=(96, 20, 6)).astype("float32")
Y = np.clip(np.round(X @ RNG.normal(size=6) / 2 + RNG.normal(size=(96, 20))), -1, 4).astype("float32")
SCORES = X[..., 0]
DISTINCT = np.where(
    Y < 0, Y, 20 * Y + np.arange(20, dtype="float32")
)  # keras-rs shuffles ties for ListMLE on JAX
NAMES = [
    "PairwiseHingeLoss",
    "PairwiseLogisticLoss",
    "PairwiseSoftZeroOneLoss",
    "PairwiseMeanSquaredError",
    "ListMLELoss",
]
OPTIONS = {"jit_compile": False} if BACKEND == "tensorflow" else {}


def ranker(loss: Any) -> Any:
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Input((20, 6)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1)]
    model = keras.Sequential([*layers, keras.layers.Reshape((20,))])
    model.compile("adam", loss, **OPTIONS)
    return model


def curve(loss: Any, **options: Any) -> list[float]:
    y = DISTINCT if type(loss).__name__ == "ListMLELoss" else Y
    model = ranker(loss)
    history = model.fit(X, y, epochs=3, batch_size=32, verbose=0, shuffle=False, **options).history["loss"]
    return [*history, model.evaluate(X, y, verbose=0)]


def training_is_as_with_keras_rs() -> None:
    weights = {"sample_weight": RNG.random((96, 1)).astype("float32")}
    for name in NAMES:
        ours, theirs = (getattr(library, name) for library in (rg.keras, keras_rs.losses))
        for options in ({}, weights) if name != "ListMLELoss" else ({},):
            np.testing.assert_allclose(
                curve(ours(temperature=0.7), **options), curve(theirs(temperature=0.7), **options), rtol=2e-6
            )


def values_are_as_with_keras_rs() -> None:
    weights = (None, 2.0, RNG.random((96, 1)).astype("float32"), RNG.random((96, 20)).astype("float32"))
    labels: list[Any] = [Y, {"labels": Y, "mask": Y != 1}]
    for name in NAMES:
        for reduction in ("sum", "mean", "sum_over_batch_size", "mean_with_sample_weight", None):
            ours, theirs = (
                getattr(lib, name)(0.8, reduction=reduction) for lib in (rg.keras, keras_rs.losses)
            )
            assert {**ours.get_config(), "name": None} == {**theirs.get_config(), "name": None}
            for y in [DISTINCT, {"labels": DISTINCT, "mask": Y != 1}] if name == "ListMLELoss" else labels:
                for w in weights[:3] if name == "ListMLELoss" else weights:
                    got, want = (keras.ops.convert_to_numpy(loss(y, SCORES, w)) for loss in (ours, theirs))
                    np.testing.assert_allclose(got.reshape(want.shape), want, rtol=1e-5, atol=1e-5)


def a_mask_of_keras_is_heeded() -> None:
    scores = keras.ops.convert_to_tensor(SCORES)
    keras.src.backend.set_keras_mask(scores, keras.ops.convert_to_tensor(Y > 0))
    got, want = (library.PairwiseHingeLoss()(Y, scores) for library in (rg.keras, keras_rs.losses))
    np.testing.assert_allclose(float(got), float(want), rtol=1e-6)


def every_loss_trains_and_is_saved(folder: Path) -> None:
    losses = [
        rg.keras.Loss(rg.ApproxNDCGLoss(0.5), name="smooth"),
        rg.keras.Loss(rg.PairwiseLogisticLoss(lambda_weight=rg.NDCGWeight(k=5)), reduction="mean_over_pairs"),
        rg.keras.Loss(rg.SoftmaxLoss(normalize_labels=True, reduction="mean_over_lists")),
        rg.keras.PairwiseHingeLoss(temperature=0.5, reduction="sum"),
    ]
    for loss in losses:
        model = ranker(loss)
        history = model.fit(X, Y, epochs=4, verbose=0).history["loss"]
        assert history[-1] < history[0]
        model.save(folder / "ranker.keras")
        again = keras.saving.load_model(folder / "ranker.keras")
        assert again.loss.get_config() == loss.get_config()
        np.testing.assert_allclose(
            again.evaluate(X, Y, verbose=0), model.evaluate(X, Y, verbose=0), rtol=1e-6
        )
    assert rg.keras.Loss(rg.ApproxNDCGLoss()).name == "approx_ndcg_loss"


def gradient_of(value_of: Any, scores: Any) -> Any:
    """By the backend's own rules."""
    if BACKEND == "torch":
        x = keras.ops.convert_to_tensor(scores).requires_grad_()
        value = value_of(x)
        value.backward()
        return value.item(), x.grad.numpy()
    if BACKEND == "jax":
        import jax

        value, grad = jax.jit(jax.value_and_grad(value_of))(scores)
        return float(value), np.asarray(grad)
    import tensorflow as tf

    x = tf.Variable(scores)
    with tf.GradientTape() as tape:
        value = value_of(x)
    return float(value), tape.gradient(value, x).numpy()


def every_loss_is_as_in_numpy() -> None:
    for name in rg.__all__:
        cls = getattr(rg, name)
        if not (isinstance(cls, type) and issubclass(cls, rg._loss.RankingLoss)):
            continue
        for y in (Y, {"labels": Y, "mask": Y != 1}):
            got = gradient_of(lambda x, cls=cls, y=y: rg.keras.Loss(cls())(y, x), SCORES)
            want = cls().value_and_grad(y, SCORES)
            np.testing.assert_allclose(got[0], want[0], rtol=1e-6)
            np.testing.assert_allclose(got[1], want[1], rtol=1e-5, atol=1e-7)


def a_loss_without_a_wrapper() -> None:
    np.testing.assert_allclose(curve(rg.PairwiseHingeLoss()), curve(rg.keras.PairwiseHingeLoss()), rtol=1e-6)


def refusals() -> None:
    for wrong, words in (
        (lambda: rg.keras.Loss("hinge"), "loss: one such as"),
        (lambda: rg.keras.PairwiseHingeLoss(temperature=0.0), "temperature"),
        (lambda: rg.keras.PairwiseHingeLoss(reduction="average"), "reduction"),
        (lambda: rg.keras.Loss.from_config({"loss": {"class_name": "Objective", "config": {}}}), "config"),
    ):
        with pytest.raises((TypeError, ValueError), match=words):
            wrong()


if __name__ == "__main__":
    training_is_as_with_keras_rs()
    values_are_as_with_keras_rs()
    a_mask_of_keras_is_heeded()
    every_loss_trains_and_is_saved(Path(sys.argv[1]))
    every_loss_is_as_in_numpy()
    a_loss_without_a_wrapper()
    refusals()
    print("all of it held on", BACKEND)
