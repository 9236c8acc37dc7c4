"""Arguments of the implicit losses, checked and made plain: positives, their negatives, weights, categories."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from rankgrad import lists
from rankgrad._arrays import Array, as_array, as_integers, as_scores, as_weights, plain
from rankgrad._checks import real, shown

Feature = tuple[str, Array, float]


class Items(NamedTuple):
    """Which items the scores are of, and the categories of all."""

    positive_items: Any
    negative_items: Any
    metadata: Mapping[Any, Any] | None
    metadata_weights: Mapping[Any, float] | None


class Pairs:
    """Scores of positives and negatives in one dtype, and everything else of their shapes."""

    def __init__(
        self,
        positive: Any,
        negative: Any,
        offsets: Any,
        groups: Any,
        negative_name: str,
        flat_is_one_each: bool,
    ) -> None:
        self.positive = as_scores(positive, "positive_scores")
        self.negative = as_scores(negative, negative_name)
        if self.positive.dtype != self.negative.dtype:
            self.positive, self.negative = plain(self.positive, np.float64), plain(self.negative, np.float64)
        if self.positive.ndim != 1:
            raise ValueError(f"positive_scores: shape (B,) is wanted, got {self.positive.shape}")
        if self.positive.size == 0:
            raise ValueError("positive_scores: is empty; at least one positive is wanted")
        if offsets is None and groups is None:
            self.offsets: Array | None = None
            self._check_rows(negative_name, flat_is_one_each)
        else:
            self._check_ragged(negative_name, offsets, groups)

    def _check_rows(self, name: str, flat_is_one_each: bool) -> None:
        b, shape = self.positive.size, self.negative.shape
        if shape == (b,) and flat_is_one_each:
            return
        if len(shape) != 2 or shape[1] != b:
            flat = f"({b},) or " if flat_is_one_each else ""
            raise ValueError(
                f"{name}: shape {flat}(K, {b}), negatives first, is wanted for {b} positives, got {shape}; "
                "flat ragged negatives go with offsets= or groups="
            )

    def _check_ragged(self, name: str, offsets: Any, groups: Any) -> None:
        if self.negative.ndim != 1:
            raise ValueError(
                f"{name}: flat 1-D data goes with offsets= or groups=, got shape {self.negative.shape}"
            )
        bounds = lists.offsets_of(self.negative.shape, offsets=offsets, groups=groups, items=name)
        assert bounds is not None
        if bounds.size - 1 != self.positive.size:
            given = "offsets" if groups is None else "groups"
            raise ValueError(
                f"{given}: one list of negatives for each of the {self.positive.size} positives is wanted, "
                f"got {bounds.size - 1} lists"
            )
        self.offsets = bounds

    def number_or_array(self, x: Any, name: str) -> tuple[float, Array | None]:
        """A finite number, or one per positive."""
        x = as_weights(x, name)
        if x.ndim == 0:
            return real(float(x), name), None
        return 0.0, self._per_positive(x, name)

    def weights(self, sample_weight: Any) -> Array | None:
        """One weight per positive, or None for ones."""
        if sample_weight is None:
            return None
        number, array = self.number_or_array(sample_weight, "sample_weight")
        return np.full(self.positive.size, number) if array is None else array

    def cotangent(self, cotangent: Any, unreduced: bool) -> tuple[float, Array | None]:
        """A factor, and one per positive for unreduced values."""
        if cotangent is None:
            return 1.0, None
        c = as_weights(cotangent, "cotangent")
        if unreduced:
            return 1.0, self._per_positive(c, "cotangent")
        if c.ndim != 0:
            raise ValueError(f"cotangent: a number is wanted, got shape {c.shape}")
        return float(c), None

    def _per_positive(self, x: Array, name: str) -> Array:
        if x.shape != self.positive.shape:
            raise ValueError(
                f"{name}: one number per positive, {self.positive.shape}, is wanted, got shape {x.shape}"
            )
        return x

    def credit(self, items: Items) -> tuple[list[Feature], Array | None, Array | None]:
        """Categories and item numbers; without metadata item numbers do not matter."""
        features = features_of(items.metadata, items.metadata_weights)
        if not features:
            return [], None, None
        for name in ("positive_items", "negative_items"):
            if getattr(items, name) is None:
                raise ValueError(f"{name}: is wanted with metadata")
        return (
            features,
            item_ids(items.positive_items, "positive_items", self.positive.shape),
            item_ids(items.negative_items, "negative_items", self.negative.shape),
        )


def item_ids(x: Any, name: str, shape: tuple[int, ...]) -> Array:
    """Item numbers of the given shape, flat as int64; a copy, which nobody changes after the core has checked it."""
    x = as_array(x, name)
    if x.shape != shape:
        raise ValueError(f"{name}: shape {shape} is wanted, got {x.shape}")
    numbers = as_integers(x.reshape(-1), name)
    return numbers.copy() if np.may_share_memory(numbers, x) else numbers


def features_of(
    metadata: Mapping[Any, Any] | None, metadata_weights: Mapping[Any, float] | None
) -> list[Feature]:
    """Name, categories and weight of each kind of metadata."""
    metadata = _by_name(metadata, "metadata")
    weights = _by_name(metadata_weights, "metadata_weights")
    for key in metadata:
        if key not in weights:
            raise ValueError(f"metadata_weights: no weight for {shown(key)} of metadata")
    for key, weight in weights.items():
        if key not in metadata:
            raise ValueError(f"metadata: no {shown(key)}, which metadata_weights has")
        weights[key] = real(weight, f"metadata_weights[{shown(key)}]")
    total = math.fsum(weights.values())
    if total > 1 + 1e-9:
        raise ValueError(f"metadata_weights: add up to {total:.17g}; at most 1 is wanted")
    return [
        (str(key), _categories(x, f"metadata[{shown(key)}]"), weights[key]) for key, x in metadata.items()
    ]


def _by_name(x: Any, name: str) -> dict[Any, Any]:
    """A mapping, a data frame or a series as a dict."""
    if x is None:
        return {}
    if not hasattr(x, "keys") or not hasattr(x, "__getitem__"):
        raise TypeError(f"{name}: a dict with a name for each kind of metadata is wanted, got {shown(x)}")
    return {key: x[key] for key in x.keys()}  # noqa: SIM118  (a data frame's own iteration is of no matter)


def _categories(x: Any, name: str) -> Array:
    x = as_array(x, name, kinds="fiub")
    if x.size != max(x.shape, default=0):
        raise ValueError(f"{name}: one category per item, shape (n_items,), is wanted, got {x.shape}")
    x = x.reshape(-1)
    if x.dtype.kind == "f":
        return plain(x, np.float64)
    return plain(x, np.uint64).view(np.int64) if x.dtype == np.uint64 else plain(x, np.int64)
