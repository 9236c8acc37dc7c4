"""Any number of Python threads call any function on the same arrays and the same bound objectives."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest
import rankgrad as rg

from every_call import every_call, hash_of, labelled_losses, ragged

THREADS = 4


def at_once(work: Callable[[], str]) -> set[str]:
    """What `work` gives in several threads that begin together."""
    answers, gate = [], threading.Barrier(THREADS)

    def run() -> None:
        gate.wait()
        answers.append(work())

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == THREADS
    return set(answers)


@pytest.mark.parametrize("n_threads", [1, 3])
def test_every_call_from_several_threads(n_threads: int) -> None:
    for name, call in every_call(n_threads):
        assert at_once(lambda call=call: hash_of(call())) == {hash_of(call())}, name


@pytest.mark.parametrize("name", labelled_losses())
def test_one_objective_for_several_threads(name: str) -> None:
    data = ragged(np.float64)
    bound = labelled_losses()[name].bind(data["labels"], groups=data["groups"])

    def work() -> str:
        return hash_of([bound.value_and_grad(data["scores"], n_threads=2) for _ in range(5)])

    assert at_once(work) == {work()}


def test_settings_may_change_meanwhile() -> None:
    """Levels and threads are those of the call's beginning, or of its end: the numbers stay within the bounds."""
    data, loss, stop = ragged(np.float64), rg.PairwiseLogisticLoss(reduction="sum"), threading.Event()
    want = loss(data["labels"], data["scores"], groups=data["groups"])

    def change() -> None:
        while not stop.is_set():
            for level in rg.isa_levels():
                rg.select_isa(level)
            with rg.threads(2):
                pass

    active = rg.select_isa(rg.isa_levels()[-1])
    other = threading.Thread(target=change)
    other.start()
    values = [loss(data["labels"], data["scores"], groups=data["groups"]) for _ in range(200)]
    stop.set()
    other.join()
    rg.select_isa(active)
    np.testing.assert_allclose(values, want, rtol=1e-11)
