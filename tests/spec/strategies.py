"""Hypothesis strategies for ragged data, and plain random data for the tests that want it large."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from reference import Array
from reference_lists import Lists

#: Scores are multiples of 1/8: margins, ties and the kinks of hinge and quantile are exact in float32 too.
GRID = 8


def offsets_of(sizes: Any) -> Array:
    return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64)


@st.composite
def sizes(draw: st.DrawFn, max_lists: int = 5, max_items: int = 8, min_items: int = 0) -> Array:
    """Sizes of lists; empty lists and lists of one item are frequent, no list at all is possible."""
    size = st.one_of(st.sampled_from([min_items, 1]), st.integers(min_items, max_items))
    return np.array(draw(st.lists(size, max_size=max_lists)), dtype=np.int64)


@st.composite
def scores(draw: st.DrawFn, n: int, *, huge: bool = False) -> Array:
    """Multiples of 1/8 within +-8; with `huge` some of them are +-1e4."""
    s = draw(hnp.arrays(np.int64, n, elements=st.integers(-8 * GRID, 8 * GRID))) / GRID
    if huge:
        far = draw(hnp.arrays(np.int64, n, elements=st.sampled_from([0, 0, 1, -1])))
        s = np.where(far == 0, s, far * 1e4)
    return np.asarray(s, dtype=np.float64)


@st.composite
def labels(draw: st.DrawFn, n: int, *, lowest: int = -1) -> Array:
    """Few grades, so ties are frequent; -1 marks an item to ignore."""
    dtype = draw(st.sampled_from([np.float64, np.float32, np.int64, np.int32]))
    return draw(hnp.arrays(np.int64, n, elements=st.integers(lowest, 3))).astype(dtype)


@st.composite
def sample_weights(draw: st.DrawFn, list_sizes: Array) -> Any:
    """None, a number, one per item or one per list; zeros among them."""
    element = st.integers(0, 8).map(lambda k: k / 4)
    kind = draw(st.sampled_from(["none", "number", "item", "list"]))
    if kind == "none":
        return None
    if kind == "number":
        return draw(element)
    if kind == "item":
        return draw(hnp.arrays(np.float64, int(list_sizes.sum()), elements=element))
    return draw(hnp.arrays(np.float64, (len(list_sizes), 1), elements=element))


@st.composite
def ragged(draw: st.DrawFn, *, huge: bool = False, min_items: int = 0, plain: bool = False) -> Lists:
    """Ragged lists; with `plain` every item is valid and there are no weights."""
    list_sizes = draw(sizes(min_items=min_items))
    n = int(list_sizes.sum())
    return Lists(
        draw(labels(n, lowest=0 if plain else -1)),
        draw(scores(n, huge=huge)),
        offsets_of(list_sizes),
        mask=None if plain else draw(st.one_of(st.none(), hnp.arrays(np.bool_, n))),
        sample_weight=None if plain else draw(sample_weights(list_sizes)),
        negative_labels="ignore" if plain else draw(st.sampled_from(["ignore", "use"])),
    )


def random_lists(rng: np.random.Generator, list_sizes: Any, *, levels: int = 5, spread: float = 2.0) -> Lists:
    """Graded lists with normal scores; no margin is near a kink but by chance."""
    n = int(np.sum(list_sizes))
    return Lists(
        rng.integers(0, levels, n).astype(np.float64), rng.normal(0, spread, n), offsets_of(list_sizes)
    )


def to_padded(
    lists: Lists, width: int | None = None, fill: float = 0.0
) -> tuple[Array, Array, Array, Array | None]:
    """(labels, scores, mask, item weights or None) as (B, N) arrays, `fill` where the mask is False."""
    list_sizes = np.diff(lists.offsets)
    width = int(list_sizes.max(initial=0)) if width is None else width
    real = np.arange(width) < list_sizes[:, None]

    def spread(flat: Array) -> Array:
        out = np.full(real.shape, fill).astype(flat.dtype)
        out[real] = flat
        return out

    mask = np.zeros(real.shape, dtype=bool)
    mask[real] = True if lists.mask is None else lists.mask
    return (
        spread(lists.labels),
        spread(lists.scores),
        mask,
        None if lists.sample_weight is None else spread(lists.weights),
    )
