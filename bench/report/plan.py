"""Which peer measures which works: those with a target, and list lengths for the pictures."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import rankgrad as rg

from bench.experiments import LABELS
from bench.peers import PEERS
from bench.workloads import IMPLICIT, LISTWISE, PAIRWISE, Work

#: Of one list, for every peer; the last one says what a peer would need for it.
LENGTHS = (10, 100, 300, 1000, 3000, 10_000, 1_000_000)
#: And for rankgrad alone.
LONG = (30_000, 100_000, 300_000)
DTYPES = ("float32", "float64")


def works(quick: bool) -> Iterator[Work]:
    """What every peer is asked for, as far as it has the loss."""
    lengths = (100, 1000, LENGTHS[-1]) if quick else LENGTHS
    yield from (Work(loss, 1, n) for loss, n in product(PAIRWISE, lengths))
    if quick:
        yield from (Work(loss, 32, 128) for loss in LISTWISE)
        yield Work("warp", 256, 16)
    else:
        for dtype in DTYPES:
            yield from (Work(loss, 1, 10_000, dtype=dtype) for loss in PAIRWISE if dtype == "float64")
            yield from (Work(loss, 256, 128, dtype=dtype) for loss in (PAIRWISE | LISTWISE))
            yield from (Work(loss, 4096, 64, dtype=dtype) for loss in IMPLICIT)
    if hasattr(rg, "NDCGWeight"):
        yield Work("delta_ndcg", 100 if quick else 2000, 100, "ragged")
        yield Work("delta_ndcg", 1, 1000 if quick else 10_000)


def long_works(quick: bool) -> Iterator[Work]:
    """What rankgrad is asked for alone."""
    for loss, labels in product(PAIRWISE, LABELS):
        for n in (*LENGTHS[:-1], *LONG) if not quick else (100, 1000, 10_000):
            yield Work(loss, 1, n, labels)
        for dtype in DTYPES if not quick else ():
            yield Work(loss, 1, LENGTHS[-1], labels, dtype)


def plan(quick: bool, names: list[str] | None = None) -> list[tuple[str, list[Work]]]:
    """Peers, in order, with their works."""
    asked = list(works(quick))
    chosen = {name: peer for name, peer in PEERS.items() if not names or name in names}
    planned = [
        (name, list(long_works(quick)) if name == "rankgrad" else [w for w in asked if w.loss in peer.losses])
        for name, peer in chosen.items()
    ]
    return [(name, asked_of_it) for name, asked_of_it in planned if asked_of_it]
