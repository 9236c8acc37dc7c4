"""The formulas in torch: pairwise losses by the n x n matrix of each list, implicit losses as Collie documents them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.workloads import NUM_ITEMS


def pairwise(phi: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    """The sum of phi(s_i - s_j) over the pairs of each row with y_i > y_j."""

    def loss(scores: Any, labels: Any) -> Any:
        margins = scores.unsqueeze(2) - scores.unsqueeze(1)
        return (phi(margins) * (labels.unsqueeze(2) > labels.unsqueeze(1))).sum()

    return loss


def hinge(margin: Any) -> Any:
    return (1 - margin).relu()


def logistic(margin: Any) -> Any:
    import torch

    return torch.nn.functional.softplus(-margin)


def collie(loss: Any) -> Any:
    return (loss.sum() + loss.pow(2).sum()) / loss.shape[-1]


def implicit_bpr(positive: Any, negative: Any) -> Any:
    return collie(1 - (positive - negative).sigmoid())


def implicit_hinge(positive: Any, negative: Any) -> Any:
    return collie(hinge(positive - negative))


def adaptive_bpr(positive: Any, negative: Any) -> Any:
    return implicit_bpr(positive, negative.max(0)[0])


def adaptive_hinge(positive: Any, negative: Any) -> Any:
    return implicit_hinge(positive, negative.max(0)[0])


def warp(positive: Any, negative: Any) -> Any:
    """The first violation per positive, found densely: a column of ones ends each search."""
    import torch

    count, size = negative.shape
    slack = torch.cat(
        [1 - positive.view(-1, 1) + negative.transpose(0, 1), positive.new_ones(size, 1)], dim=1
    )
    tries = torch.argmax((slack > 0).float() * torch.arange(count + 1, 0, -1), dim=1)
    chosen = slack.gather(1, tries.view(-1, 1)).flatten()
    weight = torch.log(NUM_ITEMS / (tries + 1).to(positive.dtype))
    return collie(weight * chosen * (tries < count))


FORMULAS: dict[str, Callable[..., Any]] = {
    "hinge": pairwise(hinge),
    "logistic": pairwise(logistic),
    "implicit_bpr": implicit_bpr,
    "implicit_hinge": implicit_hinge,
    "adaptive_bpr": adaptive_bpr,
    "adaptive_hinge": adaptive_hinge,
    "warp": warp,
}
