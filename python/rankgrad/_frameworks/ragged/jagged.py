"""Nested tensors of torch with the jagged layout; their values stay in the graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from rankgrad._frameworks.ragged.container import Lists, refuse_deeper


def read(x: Any, name: str) -> Lists:
    """Results have the very offsets of `x`, without which torch refuses to combine the two."""
    if x.dim() != 2:
        refuse_deeper(name)
    if x.lengths() is not None:  # a view with holes between its lists
        x = x.contiguous()
    offsets = x.offsets()
    numbers = offsets.detach().cpu().numpy().astype(np.int64)
    return Lists(x.values(), numbers, lambda flat: torch.nested.nested_tensor_from_jagged(flat, offsets))
