"""Very long and very many lists: what they take in time and memory, within what the contract allows."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from children import fresh

#: Bytes that a call may need beyond inputs, results and what `bind` keeps.
PER_ITEM, PER_LIST = 64, 32
#: What the allocator and the threads' stacks may add to any call.
FIXED = 16 * 2**20
LOSSES = ["PairwiseLogisticLoss", "SoftmaxLoss", "PairwiseHingeLoss", "ListMLELoss"]


def status(field: str) -> int:
    """VmRSS or VmHWM in bytes."""
    text = Path("/proc/self/status").read_text()
    return 1024 * int(next(line for line in text.splitlines() if line.startswith(field)).split()[1])


def reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def measured(loss: str, n_items: int, sizes: list[int]) -> dict[str, float]:
    """Seconds and growth of a call on `n_items` items; `sizes` is [size of every list, number of lists]."""
    import rankgrad as rg

    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 5, n_items).astype(np.int8), rng.normal(size=n_items)
    groups = np.full(sizes[1], sizes[0])
    grad, hess = np.empty(n_items), np.empty(n_items)
    resident = status("VmRSS")
    start = time.perf_counter()
    bound = getattr(rg, loss)(reduction="sum").bind(labels, groups=groups)
    bind_seconds, kept = time.perf_counter() - start, status("VmRSS") - resident
    reset_peak()
    resident, start = status("VmRSS"), time.perf_counter()
    bound.grad_and_hess(scores, out=(grad, hess))
    seconds, peak = time.perf_counter() - start, status("VmHWM") - resident
    results = 2 * 8 * n_items  # the pages of `out` are touched in the call for the first time
    return {
        "bind": bind_seconds,
        "kept": kept,
        "call": seconds,
        "growth": peak - results,
        "net": float(grad.sum()),
        "size": float(np.abs(grad).sum()),
    }


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("shape", ["one list", "lists of 1", "empty lists"])
def test_scale(loss: str, shape: str, long: bool, figure: Callable[[str, str], None]) -> None:
    if loss in LOSSES[2:] and not long:
        pytest.skip("only in the long form")
    n = 10_000_000 if long else 300_000
    n_items, sizes = {
        "one list": (n, [n, 1]),
        "lists of 1": (n, [1, n]),
        "empty lists": (0, [0, n // 10]),
    }[shape]
    found = fresh(measured, loss, n_items, sizes, seconds=600)
    allowed = PER_ITEM * n_items + PER_LIST * sizes[1] + FIXED
    per_item = found["growth"] / max(n_items, sizes[1])
    figure(
        "scale",
        f"{loss}, {sizes[1]:,} lists of {sizes[0]:,}: bind {found['bind']:.2f} s, keeps {found['kept'] / 2**20:.0f} MiB"
        f", call {found['call']:.2f} s, grows {found['growth'] / 2**20:.0f} MiB ({per_item:.0f} bytes each)",
    )
    assert abs(found["net"]) <= 1e-9 * found["size"] + 1e-9
    assert found["growth"] <= allowed
