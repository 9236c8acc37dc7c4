"""A recommender in torch: matrix factorisation of implicit feedback, trained with WARP and with BPR.

Each step scores the items that some users liked and sampled negatives: scores of shape (users,) and (negatives, users).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import rankgrad as rg
import torch
from torch import nn

N_USERS, N_ITEMS, LIKES = 500, 200, 21


def likes(rng: np.random.Generator) -> np.ndarray:
    """For each user the items that he likes, the last of which is held out."""
    taste = 1.5 * rng.normal(size=(N_USERS, 3)) @ rng.normal(size=(3, N_ITEMS)) + rng.normal(size=N_ITEMS)
    return rng.permuted(np.argsort(-taste - rng.gumbel(size=taste.shape), axis=1)[:, :LIKES], axis=1)


class Factors(nn.Module):
    """The score of a user and an item: the product of their factors, and the item's bias."""

    def __init__(self, size: int = 16) -> None:
        super().__init__()
        self.user, self.item = nn.Embedding(N_USERS, size), nn.Embedding(N_ITEMS, size)
        self.bias = nn.Embedding(N_ITEMS, 1)
        for table in (self.user, self.item, self.bias):
            nn.init.normal_(table.weight, std=0.1)

    def forward(self, user: torch.Tensor, item: torch.Tensor) -> torch.Tensor:
        return (self.user(user) * self.item(item)).sum(-1) + self.bias(item).squeeze(-1)


def hit_rate(model: Factors, liked: np.ndarray) -> float:
    """How often the held-out item is among the ten best that the user has not seen."""
    users = torch.arange(N_USERS)[:, None]
    with torch.no_grad():
        scores = model(users, torch.arange(N_ITEMS)[None]).numpy().copy()
    np.put_along_axis(scores, liked[:, :-1], -np.inf, axis=1)
    return float((np.argsort(-scores, axis=1)[:, :10] == liked[:, -1:]).any(axis=1).mean())


def train(loss: Callable[..., torch.Tensor], liked: np.ndarray, n_steps: int) -> Factors:
    torch.manual_seed(0)
    rng, model = np.random.default_rng(1), Factors()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    users = torch.arange(N_USERS)
    for _ in range(n_steps):
        positive = torch.from_numpy(liked[np.arange(N_USERS), rng.integers(LIKES - 1, size=N_USERS)])
        negative = torch.from_numpy(rng.integers(N_ITEMS, size=(20, N_USERS)))
        value = loss(model(users, positive), model(users.expand(20, -1), negative))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a few seconds, to see that it runs")
    n_steps = 100 if parser.parse_args().small else 400

    liked = likes(np.random.default_rng(0))
    losses = {
        "WARP": lambda p, n: rg.warp_loss(p, n, num_items=N_ITEMS, reduction="mean"),
        "BPR": lambda p, n: rg.bpr_loss(p, n, form="log", reduction="mean"),
    }
    untrained = hit_rate(Factors(), liked)
    for name, loss in losses.items():
        rate = hit_rate(train(loss, liked, n_steps), liked)
        print(f"{name}: hit rate at 10 {rate:.3f} (untrained {untrained:.3f})")
        assert rate > 3 * untrained


if __name__ == "__main__":
    main()
