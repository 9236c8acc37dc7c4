"""The same input gives the same bits: any number of threads, any repeat, any process, whatever others have set."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from children import fresh
from every_call import every_call, hash_of, hash_of_everything, hashes, labelled_losses, loss_results, ragged

#: Across instruction sets, in units of the largest number of the array: the bounds of one isa, twice.
ACROSS_ISAS = {"float32": 2e-6, "float64": 2e-12}


def several_threads(counts: list[int], repeats: int) -> list[str]:
    return [hash_of_everything(n) for n in counts for _ in range(repeats)]


def default_threads() -> list[str]:
    return [hash_of_everything()]


def in_forked_child() -> list[str]:
    """The parent has used threads before; the child sends its hash through a pipe."""
    before = hash_of_everything(2)
    read, write = os.pipe()
    if os.fork() == 0:
        os.write(write, hash_of_everything(2).encode())
        os._exit(0)
    os.wait()
    return [before, os.read(read, 100).decode()]


def denormals_flushed(torch_first: bool) -> list[str]:
    """Under torch's flush to zero, which threads inherit or not, depending on who started them."""
    if torch_first:
        import torch

        torch.set_flush_denormal(True)
        torch.ones(300, 300) @ torch.ones(300, 300)
    found = [hash_of_everything(2)]
    import torch

    assert torch.set_flush_denormal(True)
    assert float(np.float64(5e-324) + np.float64(0)) == 0.0, "the mode is not on"
    found += [hash_of_everything(1), hash_of_everything(2)]
    torch.set_flush_denormal(False)
    return found


def signatures_of_isa(isa: str) -> dict[str, str]:
    import rankgrad as rg

    rg.select_isa(isa)
    return hashes(2)


def test_one_hash_of_everything(long: bool, figure: Callable[[str, str], None]) -> None:
    counts, repeats = (list(range(1, 17)), 20) if long else ([1, 3, 16], 1)
    runs: list[str] = fresh(several_threads, counts, repeats, seconds=3000)
    for number in (None, "1", "7") if long else ("7",):
        runs += fresh(default_threads, env={"OMP_NUM_THREADS": number})
    runs += fresh(in_forked_child)
    if find_spec("torch") is not None:
        for torch_first in (True, False) if long else (False,):
            runs += fresh(denormals_flushed, torch_first, seconds=300)
    figure("bits", f"{len(set(runs))} sha256 in {len(runs)} runs, threads {counts[0]} to {counts[-1]}")
    assert len(set(runs)) == 1


def results_of(name: str, call: Callable[[], dict[str, Any]]) -> dict[str, np.ndarray[Any, Any]]:
    flat: dict[str, Any] = {}
    for key, x in call().items():
        parts = x if isinstance(x, tuple) else (x,)
        flat |= {f"{name} {key} {i}": np.asarray(part, dtype=np.float64) for i, part in enumerate(parts)}
    return flat


def difference(got: np.ndarray[Any, Any], want: np.ndarray[Any, Any]) -> float:
    """The largest difference, in units of the largest number; infinite ones (the exponential loss of scores that
    are far apart) must be the same.
    """
    finite = np.isfinite(want)
    assert np.array_equal(got[~finite], want[~finite], equal_nan=True)
    scale = np.abs(want[finite]).max(initial=np.finfo(np.float64).tiny)
    return float(np.abs(got[finite] - want[finite]).max(initial=0.0) / scale)


def test_isas_agree(figure: Callable[[str, str], None]) -> None:
    """Every isa gives the same numbers within the bounds; one isa gives the same bits again."""
    import rankgrad as rg

    isas = rg.isa_levels()
    active = rg.select_isa(isas[0])
    try:
        want = {k: v for name, call in every_call(1) for k, v in results_of(name, call).items()}
        worst = dict.fromkeys(ACROSS_ISAS, 0.0)
        for isa in isas[1:]:
            rg.select_isa(isa)
            for name, call in every_call(1):
                for key, got in results_of(name, call).items():
                    dtype = "float32" if "float32" in key else "float64"
                    worst[dtype] = max(worst[dtype], difference(got, want[key]))
    finally:
        rg.select_isa(active)
    figure(
        "bits",
        f"isas {', '.join(isas)} differ by {worst['float32']:.1e} (float32), {worst['float64']:.1e}",
    )
    assert worst["float32"] <= ACROSS_ISAS["float32"]
    assert worst["float64"] <= ACROSS_ISAS["float64"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", labelled_losses())
def test_threads_that_share_many_lists(name: str, dtype: Any) -> None:
    """So many that every loss is worth threads."""
    data = ragged(dtype, lengths=(60, 0, 61, 3) * 300)
    loss = labelled_losses()[name]
    assert len({hash_of(loss_results(loss, data, n)) for n in (1, 2, 3, 8, 16)}) == 1


@pytest.mark.parametrize("name", ["PairwiseLogisticLoss", "ListMLELoss", "ApproxNDCGLoss"])
def test_bits_do_not_depend_on_where_the_arrays_lie(name: str) -> None:
    data = ragged(np.float64)
    shifted = dict(data)
    for key in ("scores", "vector", "labels"):
        room = np.zeros(len(data[key]) + 8)
        for shift in (1, 3):
            room[shift : shift + len(data[key])] = data[key]
            shifted[key] = room[shift : shift + len(data[key])]
    loss = labelled_losses()[name]
    assert hash_of(loss_results(loss, data)) == hash_of(loss_results(loss, shifted))
