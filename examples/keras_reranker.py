"""A reranker in Keras 3, on whatever backend is set: padded lists, labels of -1 where there is no document.

$KERAS_BACKEND chooses torch, jax or tensorflow.
"""

from __future__ import annotations

import argparse

import keras
import numpy as np
import rankgrad as rg
import rankgrad.keras
from rankgrad.datasets import make_ranking

LENGTH = 40


def padded(n_lists: int) -> tuple[np.ndarray, np.ndarray]:
    """Features (lists, LENGTH, features) and labels (lists, LENGTH), the first LENGTH documents of each list."""
    X, y, sizes = make_ranking(n_lists=n_lists)
    features = np.zeros((n_lists, LENGTH, X.shape[1]), np.float32)
    labels = np.full((n_lists, LENGTH), -1.0, np.float32)
    for k, rows in enumerate(np.split(np.arange(len(y)), np.cumsum(sizes)[:-1])):
        rows = rows[:LENGTH]
        features[k, : len(rows)], labels[k, : len(rows)] = X[rows], y[rows]
    return features, labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a few seconds, to see that it runs")
    small = parser.parse_args().small

    n_train, n_test = (200, 100) if small else (2000, 500)
    (X, X_test), (y, y_test) = (np.split(x, [n_train]) for x in padded(n_train + n_test))

    keras.utils.set_random_seed(0)
    layers = [
        keras.layers.Input(X.shape[1:]),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(1),
    ]
    model = keras.Sequential([*layers, keras.layers.Reshape((LENGTH,))])
    options = {"jit_compile": False} if keras.backend.backend() == "tensorflow" else {}
    model.compile("adam", rg.keras.Loss(rg.ApproxNDCGLoss()), **options)

    def quality() -> float:
        return rg.ndcg(y_test, model.predict(X_test, verbose=0), k=10)

    before = quality()
    model.fit(X, y, batch_size=32, epochs=3 if small else 10, verbose=2)
    print(f"test NDCG@10: {before:.4f} before, {quality():.4f} after")
    assert quality() > before


if __name__ == "__main__":
    main()
