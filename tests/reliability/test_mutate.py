"""Another thread rewrites the arguments during the calls: numbers may be wrong, memory never is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from children import run_child

N, LISTS = 3000, 40


def arguments() -> dict[str, Any]:
    """Right arguments. Everything is of a type that is passed on without a copy."""
    rng = np.random.default_rng(1)
    return {
        "labels": rng.integers(0, 5, N).astype(np.float64),
        "scores": rng.normal(size=N),
        "offsets": np.linspace(0, N, LISTS + 1).astype(np.int64),
        "weights": np.ones((LISTS, 1)),
        "cotangent": np.ones(N),
        "vector": rng.normal(size=N),
        "items": rng.integers(0, 50, (4, N)),
        "negative": rng.normal(size=(4, N)),
        "genres": rng.integers(0, 5, 50),
        "mask": np.ones(N, dtype=bool),
    }


def scribble(given: dict[str, Any], stop: threading.Event, rounds: list[int]) -> None:
    """Puts right and absurd numbers in turn, and counts how often."""
    rng, right = np.random.default_rng(2), {k: v.copy() for k, v in given.items()}
    reals = np.array([np.nan, np.inf, -np.inf, 1e308, -1e308, 5e-324, 0.0])
    integers = np.array([-1, 10**12, -(2**63), 2**63 - 1, 2**31, 0])
    while not stop.is_set():
        for name, x in given.items():
            odd = integers if x.dtype.kind == "i" else reals
            some = rng.integers(0, x.size, 30)
            x.reshape(-1)[some] = rng.choice(odd, 30) if x.dtype.kind != "b" else rng.integers(0, 2, 30) > 0
            x[:] = right[name]
        rounds.append(1)


def calls_of(given: dict[str, Any]) -> list[Callable[[], Any]]:
    import rankgrad as rg

    from every_call import implicit_losses, labelled_losses

    y, s, lists = (
        {"labels": given["labels"], "mask": given["mask"]},
        given["scores"],
        {"offsets": given["offsets"]},
    )
    calls: list[Callable[[], Any]] = []
    for loss in labelled_losses().values():
        bound = loss.bind(given["labels"].copy(), offsets=given["offsets"].copy())
        calls += [
            lambda loss=loss: loss.value_and_grad(y, s, given["weights"], **lists, n_threads=2),
            lambda bound=bound: bound.grad_and_hess(s, n_threads=2),
            lambda bound=bound: bound.hessp(s, given["vector"], n_threads=2),
        ]
        if loss.nan == "raise" and "Pairwise" in type(loss).__name__:
            unreduced = type(loss)(reduction="none", nan="propagate").bind(given["labels"].copy())
            calls.append(lambda x=unreduced: x.value_and_grad(s, cotangent=given["cotangent"], n_threads=2))
    items = {"positive_items": given["items"][0], "negative_items": given["items"], "num_items": 50}
    credit = {"metadata": {"genre": given["genres"]}, "metadata_weights": {"genre": 0.5}}
    for other in implicit_losses().values():
        calls.append(lambda x=other: x.grad_and_hess(s, given["negative"], **items, **credit, n_threads=2))
    calls.append(lambda: rg.ndcg(y, s, **lists))
    return calls


def scribbled_on(number: int) -> dict[str, int]:
    """Outcomes of `number` calls while two threads rewrite what they are given."""
    given, stop, rounds = arguments(), threading.Event(), list[int]()
    calls = calls_of(given)
    writers = [threading.Thread(target=scribble, args=(given, stop, rounds)) for _ in range(2)]
    for writer in writers:
        writer.start()
    raised = 0
    for k in range(number):
        try:
            calls[k % len(calls)]()
        except (ValueError, TypeError):
            raised += 1
    stop.set()
    for writer in writers:
        writer.join()
    return {"calls": number, "raised": raised, "rewritten": len(rounds)}


def test_arguments_rewritten_during_calls(long: bool, figure: Callable[[str, str], None]) -> None:
    ended = run_child(scribbled_on, 10_000 if long else 400, seconds=1500)
    figure("mutate", f"{ended.answer} while two threads rewrite the arguments: {ended.how}")
    assert ended.how == "ok", ended.output[-3000:]
    assert ended.answer["rewritten"] > 0
    # Few calls may all come between two absurd numbers.
    assert ended.answer["raised"] > 0 or not long, "the writers were too slow to be noticed"
