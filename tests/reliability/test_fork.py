"""Forked children compute, and compute the same: after threads were used, from inside of busy programs, in workers."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from children import fresh

#: Seconds that a child may take; it needs some milliseconds.
PATIENCE = 20.0


def one_call(n_threads: int | None = 2) -> str:
    """A call large enough to use threads, as a hash."""
    import rankgrad as rg

    from every_call import hash_of, loss_results, ragged

    data = ragged(np.float64, lengths=(60,) * 200)
    return hash_of(loss_results(rg.PairwiseLogisticLoss(reduction="sum"), data, n_threads))


def threads_after_a_call(n_threads: int) -> int:
    one_call(n_threads)
    return len(os.listdir("/proc/self/task"))


def ends_well(child: int) -> bool | None:
    """Whether the child ended with code 0; None if it hangs."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status == 0
        time.sleep(0.0005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def forked(work: Callable[[], bool]) -> bool | None:
    child = os.fork()
    if child == 0:
        os._exit(0 if work() else 1)
    return ends_well(child)


def forks(number: int, busy_threads: int) -> dict[str, int]:
    """Forks while `busy_threads` threads are inside kernels."""
    expected = one_call()
    stop = threading.Event()

    def keep_busy() -> None:
        while not stop.is_set():
            one_call()

    threads = [threading.Thread(target=keep_busy) for _ in range(busy_threads)]
    for thread in threads:
        thread.start()
    ends = [forked(lambda: one_call() == expected) for _ in range(number)]
    stop.set()
    for thread in threads:
        thread.join()
    right_after = one_call() == expected
    return {"hangs": ends.count(None), "wrong": ends.count(False) + (not right_after)}


def grandchildren() -> dict[str, int]:
    expected = one_call()

    def child() -> bool:
        return one_call() == expected and bool(forked(lambda: one_call() == expected))

    ends = [forked(child) for _ in range(5)]
    return {"hangs": ends.count(None), "wrong": ends.count(False)}


def from_a_thread() -> dict[str, int]:
    """A thread that has made no call forks; then the main thread does."""
    expected, ends = one_call(), []
    thread = threading.Thread(target=lambda: ends.append(forked(lambda: one_call() == expected)))
    thread.start()
    thread.join()
    ends.append(forked(lambda: one_call() == expected))
    return {"hangs": ends.count(None), "wrong": ends.count(False)}


def child_that_ends_by_itself() -> dict[str, int]:
    """Forked children that leave as programs do, with all that libraries clean up then."""
    expected, ends = one_call(), []
    for n_threads in (1, 2):
        child = os.fork()
        if child == 0:
            sys.exit(0 if one_call(n_threads) == expected else 1)
        ends.append(ends_well(child))
    return {"hangs": ends.count(None), "wrong": ends.count(False)}


def threads_of_a_child() -> dict[str, int]:
    """The child has threads of its own, although the parent's stayed there."""
    one_call(4)
    ends = [forked(lambda: len(os.listdir("/proc/self/task")) == 1 and threads_after_a_call(3) >= 3)]
    return {"hangs": ends.count(None), "wrong": ends.count(False)}


def in_the_midst_of_a_call() -> dict[str, int]:
    """A signal handler forks, and in the child the call goes on without the threads that have parts of it."""
    import rankgrad as rg

    labels, ends, children = np.arange(1_200_000.0) % 7, [], []
    loss = rg.PairwiseLogisticLoss(reduction="sum")
    bound = loss.bind(labels, groups=[3000] * 400, algorithm="direct")
    expected, small = bound.value(labels), one_call(1)
    signal.signal(signal.SIGALRM, lambda *_: children.append(os.fork()))
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    try:
        value = bound.value(labels, n_threads=2)
    except RuntimeError as error:
        os._exit(0 if children == [0] and "forked" in str(error) and one_call(2) == small else 1)
    if children == [0]:
        os._exit(1)
    ends.append(ends_well(children[0]))
    return {"hangs": ends.count(None), "wrong": ends.count(False) + (value != expected)}


def pools(method: str) -> dict[str, int]:
    import multiprocessing

    expected = one_call()
    with multiprocessing.get_context(method).Pool(2) as pool:
        found = pool.map_async(one_call, [2, None, 1]).get(60)
    return {"hangs": 0, "wrong": sum(x != expected for x in found)}


class Items:
    """A torch data set whose items are computed in the loader's workers."""

    def __init__(self, n_threads: int | None) -> None:
        self.n_threads = n_threads

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> str:
        return one_call(self.n_threads)


def torch_loader(torch_first: bool, n_threads: int | None) -> dict[str, int]:
    if torch_first:
        import torch
        import torch.utils.data
    expected = one_call()
    import torch
    import torch.utils.data

    torch.ones(200, 200) @ torch.ones(200, 200)
    options: dict[str, Any] = {"batch_size": 2, "num_workers": 2, "timeout": 30}
    loader = torch.utils.data.DataLoader(Items(n_threads), multiprocessing_context="fork", **options)
    found = [x for batch in loader for x in batch]
    return {"hangs": 0, "wrong": sum(x != expected for x in found) + (len(found) != 4)}


def tell(figure: Callable[[str, str], None], what: str, ends: dict[str, int]) -> None:
    figure("fork", f"{what}: {ends['hangs']} hangs, {ends['wrong']} wrong")
    assert ends == {"hangs": 0, "wrong": 0}


pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts threads as Linux shows them")
def test_one_call_uses_threads() -> None:
    assert fresh(threads_after_a_call, 4) >= 4


@pytest.mark.parametrize("busy_threads", [0, 2])
def test_forks(busy_threads: int, long: bool, figure: Callable[[str, str], None]) -> None:
    number = (300 if busy_threads else 1000) if long else 20
    ends = fresh(forks, number, busy_threads, seconds=1200)
    tell(figure, f"{number} forks with {busy_threads} busy threads", ends)


def test_grandchildren(figure: Callable[[str, str], None]) -> None:
    tell(figure, "grandchildren", fresh(grandchildren))


def test_forks_from_threads(figure: Callable[[str, str], None]) -> None:
    tell(figure, "forks from threads", fresh(from_a_thread))


def test_children_that_end_by_themselves(figure: Callable[[str, str], None]) -> None:
    tell(figure, "children that end by themselves", fresh(child_that_ends_by_itself))


@pytest.mark.parametrize("program", [threads_of_a_child, in_the_midst_of_a_call])
def test_children_have_their_own_threads(
    program: Callable[[], dict[str, int]], figure: Callable[[str, str], None]
) -> None:
    import rankgrad as rg

    if rg.build_info()["threads"] == "openmp":
        pytest.skip("a child of OpenMP is serial")
    tell(figure, program.__name__.replace("_", " "), fresh(program))


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_multiprocessing(method: str, figure: Callable[[str, str], None]) -> None:
    tell(figure, f"multiprocessing {method}", fresh(pools, method))


@pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
@pytest.mark.parametrize(
    ("torch_first", "n_threads"), [(True, 2), (False, None)], ids=["torch first", "rankgrad first"]
)
def test_torch_data_loader(
    torch_first: bool, n_threads: int | None, figure: Callable[[str, str], None]
) -> None:
    tell(figure, "torch DataLoader", fresh(torch_loader, torch_first, n_threads))
