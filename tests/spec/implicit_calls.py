"""How a batch of the specification is given to the implicit losses: every layout, and the keywords of its options."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import rankgrad as rg

from reference_implicit import Array, Batch


def loss_of(name: str) -> Any:
    return getattr(rg, f"{name}_loss")


def options_of(name: str, batch: Batch) -> dict[str, Any]:
    """Keywords of a call, without those that are the default."""
    options: dict[str, Any] = {"margin": batch.margin, "reduction": batch.reduction}
    known = {field.name for field in fields(loss_of(name))}
    options |= {key: getattr(batch, key) for key in ("form", "kink", "rank_weight", "floor") if key in known}
    if "clip" in known:
        options["clip"] = None if np.isinf(batch.clip) else batch.clip
    options["sample_weight"] = batch.sample_weight
    if batch.metadata:
        options |= {"metadata": batch.metadata, "metadata_weights": batch.metadata_weights}
        options["positive_items"] = batch.positive_items
    return options


def layouts(batch: Batch, dtype: str) -> list[tuple[Array, dict[str, Any], Any]]:
    """(negative scores, keywords, how to split a result) of every layout that can hold the batch."""
    sizes = [len(n) for n in batch.negatives]
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    flat = np.concatenate(batch.negatives).astype(dtype)
    keywords: list[dict[str, Any]] = [{"offsets": offsets}, {"groups": sizes}]
    if batch.metadata:
        assert batch.negative_items is not None
        for k in keywords:
            k["negative_items"] = np.concatenate(batch.negative_items).astype(np.int64)
    result: list[tuple[Array, dict[str, Any], Any]] = [
        (flat, k, lambda x: np.split(x, offsets[1:-1])) for k in keywords
    ]
    width = max(sizes)
    if width == 0:
        return result
    dense = np.full((width, len(sizes)), -np.inf, dtype=dtype)
    ids = np.zeros(dense.shape, dtype=np.int64)
    for b, negatives in enumerate(batch.negatives):
        dense[: len(negatives), b] = negatives
        if batch.metadata:
            ids[: len(negatives), b] = batch.negative_items[b]  # type: ignore[index]
    dense_keywords = {"negative_items": ids} if batch.metadata else {}
    return [*result, (dense, dense_keywords, lambda x: [x[:size, b] for b, size in enumerate(sizes)])]
