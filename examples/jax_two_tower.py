"""A two-tower model in JAX and optax: queries and items are embedded by a tower each, and scored by their product.

The whole step is compiled. Each query has a list of candidates with graded labels, padded with the label -1.
"""

from __future__ import annotations

import argparse

import jax
import jax.numpy as jnp
import numpy as np
import optax
import rankgrad as rg

N_CANDIDATES, N_FEATURES, SIZE = 30, 12, 16


def make_queries(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features of queries and of their candidates, and labels 0 to 4; the last candidates of some lists are padding."""
    taste = np.random.default_rng(0).normal(size=(N_FEATURES, N_FEATURES)) / np.sqrt(N_FEATURES)
    query, items = rng.normal(size=(n, N_FEATURES)), rng.normal(size=(n, N_CANDIDATES, N_FEATURES))
    match = np.einsum("nf,fg,nkg->nk", query, taste, items) + rng.normal(size=(n, N_CANDIDATES))
    labels = np.clip(np.round(match / 2), 0, 4)
    labels[np.arange(N_CANDIDATES) >= rng.integers(5, N_CANDIDATES + 1, size=(n, 1))] = -1
    return query.astype(np.float32), items.astype(np.float32), labels.astype(np.float32)


def tower(parameters: dict[str, jax.Array], x: jax.Array) -> jax.Array:
    return jax.nn.relu(x @ parameters["w1"]) @ parameters["w2"]


def scores(parameters: dict[str, dict[str, jax.Array]], query: jax.Array, items: jax.Array) -> jax.Array:
    return jnp.einsum("nd,nkd->nk", tower(parameters["query"], query), tower(parameters["item"], items))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a few seconds, to see that it runs")
    small = parser.parse_args().small

    rng = np.random.default_rng(1)
    query, items, labels = make_queries(500 if small else 5000, rng)
    test = make_queries(200 if small else 1000, rng)
    parameters = {
        name: {
            "w1": jnp.asarray(rng.normal(size=(N_FEATURES, 32)) / np.sqrt(N_FEATURES), jnp.float32),
            "w2": jnp.asarray(rng.normal(size=(32, SIZE)) / 16, jnp.float32),
        }
        for name in ("query", "item")
    }
    optimizer = optax.adam(3e-3)
    state = optimizer.init(parameters)
    loss = rg.SoftmaxLoss(reduction="mean_over_lists")

    @jax.jit
    def step(parameters, state, query, items, labels):
        def of(parameters):
            return loss(labels, scores(parameters, query, items))

        value, grads = jax.value_and_grad(of)(parameters)
        updates, state = optimizer.update(grads, state)
        return optax.apply_updates(parameters, updates), state, value

    def quality() -> float:
        return float(rg.ndcg(test[2], scores(parameters, test[0], test[1]), k=10))

    before = quality()
    for epoch in range(5 if small else 10):
        for rows in np.split(rng.permutation(len(query)), len(query) // 50):
            parameters, state, value = step(parameters, state, query[rows], items[rows], labels[rows])
        print(f"epoch {epoch}: loss {value:.3f}, test NDCG@10 {quality():.4f}")
    assert quality() > before + 0.1


if __name__ == "__main__":
    main()
