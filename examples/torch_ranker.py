"""A neural ranker in torch: an MLP over the documents of a query, trained on mini-batches of ragged lists.

Lists are as long as they are: a batch is the documents of some queries, one after the other, and the lists' sizes.
"""

from __future__ import annotations

import argparse

import numpy as np
import rankgrad as rg
import torch
from rankgrad.datasets import make_ranking
from torch import nn


def batches(sizes: np.ndarray, n_queries: int, rng: np.random.Generator):
    """The rows and the list sizes of a few queries at a time, in a new order."""
    ends = np.cumsum(sizes)
    order = rng.permutation(len(sizes))
    for chosen in np.split(order, range(n_queries, len(order), n_queries)):
        rows = np.concatenate([np.arange(ends[q] - sizes[q], ends[q]) for q in chosen])
        yield rows, sizes[chosen]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a few seconds, to see that it runs")
    small = parser.parse_args().small

    n_train, n_test = (200, 100) if small else (2000, 500)
    features, labels, sizes = make_ranking(n_lists=n_train + n_test)
    sizes, sizes_test = sizes[:n_train], sizes[n_train:]
    X, X_test = torch.tensor(features, dtype=torch.float32).split([sizes.sum(), sizes_test.sum()])
    y, y_test = np.split(labels, [sizes.sum()])

    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(X.shape[1], 64), nn.ReLU(), nn.Linear(64, 1), nn.Flatten(0))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    loss = rg.PairwiseLogisticLoss(reduction="mean_over_lists", lambda_weight=rg.NDCGWeight())
    rng = np.random.default_rng(0)

    def quality() -> float:
        with torch.no_grad():
            return float(rg.ndcg(y_test, model(X_test), k=10, groups=sizes_test))

    before = quality()
    for epoch in range(3 if small else 10):
        for rows, groups in batches(sizes, 32, rng):
            value = loss(y[rows], model(X[rows]), groups=groups)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
        print(f"epoch {epoch}: loss {value.item():.4f}, test NDCG@10 {quality():.4f}")
    assert quality() > before


if __name__ == "__main__":
    main()
