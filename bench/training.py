"""A net trained on a real data set in each framework: NDCG@10 on held-out lists, rankgrad's losses and others.

python -m bench.training [torch] [jax] [keras-torch] [keras-jax]

The data are rank.train and rank.test in the folder $RANKGRAD_DATA.

The same net, data, order of batches and optimizer for every loss; the mean and the standard error of five seeds.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import rankgrad as rg
from rankgrad.datasets import load_svmlight

SEEDS, EPOCHS, QUERIES = 5, 30, 16
FEATURES = 301


def padded(part: str, length: int) -> tuple[Any, Any]:
    """Features (lists, length, features) and labels, -1 where a list has no document."""
    folder = Path(os.environ["RANKGRAD_DATA"])
    X, y, sizes = load_svmlight(folder / f"rank.{part}", n_features=FEATURES)
    rows = np.repeat(np.arange(len(sizes)), sizes)
    columns = np.concatenate([np.arange(n) for n in sizes])
    features = np.zeros((len(sizes), length, FEATURES), np.float32)
    labels = np.full((len(sizes), length), -1.0, np.float32)
    features[rows, columns] = X.toarray()
    labels[rows, columns] = y
    return features, labels


def torch_training(losses: dict[str, Callable[[Any, Any], Any]], data: Any, seed: int) -> dict[str, float]:
    import torch
    from torch import nn

    (X, y), (X_test, y_test) = ([torch.from_numpy(x) for x in part] for part in data)
    found = {}
    for name, loss in losses.items():
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(X.shape[2], 64), nn.ReLU(), nn.Linear(64, 1), nn.Flatten(1))
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-4)
        rng = np.random.default_rng(seed)
        for _ in range(EPOCHS):
            for rows in np.array_split(rng.permutation(len(X)), len(X) // QUERIES):
                optimizer.zero_grad()
                loss(y[rows], model(X[rows])).backward()
                optimizer.step()
        with torch.no_grad():
            found[name] = float(rg.ndcg(y_test, model(X_test), k=10))
    return found


def torch_losses() -> dict[str, Callable[[Any, Any], Any]]:
    def squared_error(y: Any, s: Any) -> Any:
        return ((s - y) ** 2)[y >= 0].mean()

    def pairs(y: Any, s: Any) -> Any:
        wanted = (y[:, :, None] > y[:, None]) & (y[:, None] >= 0)
        return (nn_softplus(s[:, None] - s[:, :, None]) * wanted).sum() / len(y)

    from torch.nn.functional import softplus as nn_softplus

    return {
        "pointwise squared error": squared_error,
        "logistic, n x n in torch": pairs,
        **own_losses(),
    }


def own_losses() -> dict[str, Any]:
    lists = {"reduction": "mean_over_lists"}
    return {
        "rankgrad logistic": rg.PairwiseLogisticLoss(**lists),
        "rankgrad logistic, delta NDCG": rg.PairwiseLogisticLoss(lambda_weight=rg.NDCGWeight(), **lists),
        "rankgrad softmax": rg.SoftmaxLoss(**lists),
        "rankgrad ApproxNDCG": rg.ApproxNDCGLoss(**lists),
    }


def jax_training(losses: dict[str, Callable[[Any, Any], Any]], data: Any, seed: int) -> dict[str, float]:
    import jax
    import jax.numpy as jnp
    import optax

    (X, y), (X_test, y_test) = data
    found = {}

    def net(p: Any, x: Any) -> Any:
        return (jax.nn.relu(x @ p["w1"] + p["b1"]) @ p["w2"])[..., 0]

    for name, loss in losses.items():
        k1, k2 = jax.random.split(jax.random.key(seed))
        p = {"w1": jax.random.normal(k1, (X.shape[2], 64)) / np.sqrt(X.shape[2]), "b1": jnp.zeros(64),
             "w2": jax.random.normal(k2, (64, 1)) / 8}  # fmt: skip
        optimizer = optax.adamw(1e-3, weight_decay=1e-4)
        state = optimizer.init(p)

        @jax.jit
        def step(p: Any, state: Any, x: Any, y: Any, loss: Any = loss, optimizer: Any = optimizer) -> Any:
            updates, state = optimizer.update(jax.grad(lambda p: loss(y, net(p, x)))(p), state, p)
            return optax.apply_updates(p, updates), state

        rng = np.random.default_rng(seed)
        for _ in range(EPOCHS):
            for rows in np.split(rng.permutation(len(X))[: len(X) // QUERIES * QUERIES], len(X) // QUERIES):
                p, state = step(p, state, X[rows], y[rows])
        found[name] = float(rg.ndcg(y_test, net(p, X_test), k=10))
    return found


def jax_losses() -> dict[str, Callable[[Any, Any], Any]]:
    import jax.numpy as jnp
    import keras_rs

    theirs = keras_rs.losses.PairwiseLogisticLoss(reduction="sum")
    return {
        "pointwise squared error": lambda y, s: jnp.where(y >= 0, (s - y) ** 2, 0).sum() / (y >= 0).sum(),
        "keras-rs logistic": lambda y, s: theirs(y, s) / len(y),
        **own_losses(),
    }


def keras_training(losses: dict[str, Any], data: Any, seed: int) -> dict[str, float]:
    import keras

    (X, y), (X_test, y_test) = data
    found = {}
    for name, loss in losses.items():
        keras.utils.set_random_seed(seed)
        layers = [
            keras.layers.Input(X.shape[1:]),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(1),
        ]
        model = keras.Sequential([*layers, keras.layers.Reshape((X.shape[1],))])
        model.compile(keras.optimizers.AdamW(1e-3, weight_decay=1e-4), loss)
        model.fit(X, y, batch_size=QUERIES, epochs=EPOCHS, verbose=0)
        found[name] = float(rg.ndcg(y_test, np.asarray(model.predict(X_test, verbose=0)), k=10))
    return found


def keras_losses() -> dict[str, Any]:
    import keras
    import keras_rs
    import rankgrad.keras

    def squared_error(y: Any, s: Any) -> Any:
        valid = keras.ops.cast(y >= 0, "float32")
        return keras.ops.sum(valid * (s - y) ** 2) / keras.ops.sum(valid)

    return {
        "pointwise squared error": squared_error,
        "keras-rs logistic": keras_rs.losses.PairwiseLogisticLoss(),
        **{name: rankgrad.keras.Loss(loss) for name, loss in own_losses().items()},
    }


TRAININGS = {"torch": (torch_training, torch_losses), "jax": (jax_training, jax_losses)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("which", nargs="*")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    which = options.which or ["torch", "jax", "keras-torch", "keras-jax"]
    if not options.here:
        for each in which:  # the backend of Keras is chosen when a process begins
            environment = os.environ | {"KERAS_BACKEND": each.partition("-")[2] or "jax"}
            subprocess.run(
                [sys.executable, "-m", "bench.training", each, "--here"], env=environment, check=True
            )
        return
    training, losses_of = TRAININGS.get(which[0], (keras_training, keras_losses))
    files = [Path(os.environ["RANKGRAD_DATA"], f"rank.{part}.query") for part in ("train", "test")]
    length = max(int(size) for file in files for size in file.read_text().split())
    data, losses = [padded(part, length) for part in ("train", "test")], losses_of()
    found: dict[str, list[float]] = {name: [] for name in losses}
    start = perf_counter()
    for seed in range(SEEDS):
        for name, quality in training(losses, data, seed).items():
            found[name].append(quality)
        print(f"{which[0]}: seed {seed + 1} of {SEEDS}, {perf_counter() - start:.0f} s", flush=True)
    for name, values in found.items():
        error = np.std(values, ddof=1) / np.sqrt(len(values))
        print(f"  {name:32} test NDCG@10 {np.mean(values):.4f} +- {error:.4f}")


if __name__ == "__main__":
    main()
