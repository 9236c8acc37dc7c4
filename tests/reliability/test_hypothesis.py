"""Ragged inputs of any shape, a quarter of them hostile: the right numbers or an error that says what is wrong.

An input that is right is computed whole and list by list, which must give the same bits. An input that was made odd
without changing a number must too. A hostile one must raise ValueError or TypeError and name the argument.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from children import run_child
from every_call import hash_of, implicit_losses, labelled_losses
from hostile_inputs import misaligned, put

Array = np.ndarray[Any, Any]
SCORE, LABEL = r"scores|y_pred|logits|vector", r"labels|y_true"
EXAMPLES_OF_A_RUN = 5_000


@dataclass(frozen=True)
class Ragged:
    """Right arguments of a loss over lists."""

    labels: Array
    scores: Array
    offsets: Array
    mask: Array
    weights: Array

    def part(self, k: int) -> Ragged:
        a, b = self.offsets[k : k + 2]
        return Ragged(
            self.labels[a:b],
            self.scores[a:b],
            np.array([0, b - a]),
            self.mask[a:b],
            self.weights[k : k + 1],
        )


def ragged_of(sizes: list[int], raw: bytes, dtype: Any) -> Ragged:
    """Two bytes per item: few grades, -1 among them, and scores in steps of 1/8; and one per list."""
    offsets = np.concatenate([[0], np.cumsum(np.array(sizes, dtype=np.int64))]).astype(np.int64)
    n = int(offsets[-1])
    numbers = np.frombuffer(raw.ljust(2 * n + len(sizes), b"\x10"), dtype=np.uint8)
    first, second = numbers[:n], numbers[n : 2 * n].view(np.int8)
    weights = (numbers[2 * n : 2 * n + len(sizes)] % 5 / 2.0)[:, None]
    return Ragged(first % 6 - 1.0, (second / 8).astype(dtype), offsets, first < 230, weights)


def results(loss: Any, x: Ragged, algorithm: str = "auto", n_threads: Any = 1) -> dict[str, Any]:
    bound = loss.bind({"labels": x.labels, "mask": x.mask}, x.weights, offsets=x.offsets, algorithm=algorithm)
    value, grad = bound.value_and_grad(x.scores, n_threads=n_threads)
    product = bound.hessp(x.scores, x.scores, n_threads=n_threads)
    return {"value": value, "grad": grad, "hess": bound.grad_and_hess(x.scores)[1], "hessp": product}


def strided(x: Array) -> Array:
    return np.repeat(x, 2)[::2]


#: Other forms of the same numbers.
HARMLESS: dict[str, Callable[[Ragged], Ragged]] = {
    "big-endian": lambda x: replace(x, scores=x.scores.astype(x.scores.dtype.newbyteorder(">"))),
    "misaligned": lambda x: replace(x, scores=misaligned(x.scores), offsets=misaligned(x.offsets)),
    "strided": lambda x: replace(x, labels=strided(x.labels), mask=strided(x.mask), scores=strided(x.scores)),
    "small integers": lambda x: replace(x, labels=x.labels.astype(np.int8)),
    "small offsets": lambda x: replace(x, offsets=x.offsets.astype(np.int32)),
}

#: What is wrong, with what the message must say; the number chooses the place or the value.
HOSTILE: dict[str, tuple[Callable[[Ragged, int], Ragged], str]] = {
    "score": (
        lambda x, k: replace(x, scores=put(x.scores, valid_place(x, k), [np.nan, np.inf, -np.inf][k % 3])),
        SCORE,
    ),
    "label": (lambda x, k: replace(x, labels=put(x.labels, valid_place(x, k), np.nan)), LABEL),
    "length of scores": (lambda x, k: replace(x, scores=np.zeros(len(x.scores) + 1 + k % 9)), SCORE),
    "kind of scores": (lambda x, k: replace(x, scores=x.scores.astype(["c16", "O", "U"][k % 3])), SCORE),
    "rank of scores": (lambda x, k: replace(x, scores=np.zeros((1,) * (k % 3) + (2, 1))), SCORE),
    "length of mask": (lambda x, k: replace(x, mask=np.ones(len(x.mask) + 1 + k % 9, dtype=bool)), "mask"),
    "weight": (lambda x, k: replace(x, weights=put(x.weights, valid_list(x, k), np.nan)), "weight"),
    "shape of weights": (lambda x, k: replace(x, weights=np.ones((len(x.weights) + 2 + k % 9, 1))), "weight"),
    "offset": (
        lambda x, k: replace(x, offsets=put(x.offsets, k % len(x.offsets), odd_offset(x, k))),
        "offsets",
    ),
    "kind of offsets": (lambda x, k: replace(x, offsets=x.offsets + [0.5, np.nan][k % 2]), "offsets"),
    "no offsets": (lambda x, k: replace(x, offsets=x.offsets[:0]), "offsets"),
}


def valid_places(x: Ragged) -> Array:
    return np.flatnonzero(x.mask & (x.labels >= 0))


def valid_place(x: Ragged, k: int) -> int:
    places = valid_places(x)
    return int(places[k % len(places)])


def valid_list(x: Ragged, k: int) -> int:
    return int(np.searchsorted(x.offsets, valid_place(x, k), side="right")) - 1


def odd_offset(x: Ragged, k: int) -> int:
    """No offset of these lists, wherever it is put."""
    return [-1, -(2**63), 2**63 - 1, 2**32, len(x.labels) + 1][k % 5]


def check_right(loss: Any, x: Ragged, algorithm: str) -> None:
    """The whole is its parts, bit by bit."""
    whole = results(loss, x, algorithm)
    assert all(np.isfinite(part).all() for part in whole.values())
    if hasattr(loss, "seed"):  # noise by the number of the list
        return
    total = 0.0
    for k, (a, b) in enumerate(zip(x.offsets[:-1], x.offsets[1:], strict=True)):
        alone = results(loss, x.part(k), algorithm)
        total += alone["value"]
        for name in ("grad", "hess", "hessp"):
            assert whole[name][a:b].tobytes() == alone[name].tobytes(), name
    assert whole["value"] == total


def check_hostile(call: Callable[[], Any], says: str) -> None:
    with pytest.raises((ValueError, TypeError), match=says):
        call()


def one_input(loss: Any, x: Ragged, algorithm: str, what: int) -> str:
    """Judges one input; what was done with it."""
    if what % 4 == 0:
        name = list(HOSTILE)[what // 4 % len(HOSTILE)]
        change, says = HOSTILE[name]
        if len(valid_places(x)) == 0:
            change, says = HOSTILE["offset"]
        check_hostile(lambda: results(loss, change(x, what // 64), algorithm), says)
        return "hostile"
    if what % 4 == 1:
        odd = list(HARMLESS.values())[what // 4 % len(HARMLESS)](x)
        assert hash_of(results(loss, odd, algorithm)) == hash_of(results(loss, x, algorithm))
        return "odd"
    check_right(loss, x, algorithm)
    return "right"


def one_implicit_input(loss: Any, x: Ragged, what: int) -> str:
    """The same items as ragged negatives, one list per positive."""
    positives = np.linspace(-1, 1, len(x.weights)).astype(x.scores.dtype)
    if len(positives) == 0:
        check_hostile(lambda: loss.value_and_grad(positives, x.scores, num_items=99), "positive_scores")
        return "hostile"

    def call(x: Ragged) -> Any:
        return loss.value_and_grad(positives, x.scores, offsets=x.offsets, num_items=99)

    if what % 4 == 0:
        check_hostile(lambda: call(HOSTILE["offset"][0](x, what // 4)), "offsets|negative")
        return "hostile"
    assert hash_of(call(x)) == hash_of(call(HARMLESS["misaligned"](x)))
    return "right"


def judge_examples(examples: int, first_seed: int) -> dict[str, int]:
    """The program of a child: that many inputs, each for a loss of its own."""
    from hypothesis import HealthCheck, Phase, given, seed, settings
    from hypothesis import strategies as st

    losses, implicit = list(labelled_losses().values()), list(implicit_losses().values())
    count: Counter[str] = Counter()

    @settings(
        max_examples=min(examples, EXAMPLES_OF_A_RUN),
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.lists(st.one_of(st.integers(0, 6), st.integers(0, 70)), max_size=6),
        st.binary(max_size=300),
        st.integers(0, 2**20),
        st.integers(0, 2**16),
    )
    def judge(sizes: list[int], raw: bytes, choice: int, what: int) -> None:
        x = ragged_of(sizes, raw, [np.float64, np.float32][choice % 2])
        number = choice // 8 % (len(losses) + len(implicit))
        if number >= len(losses):
            count[one_implicit_input(implicit[number - len(losses)], x, what)] += 1
        else:
            algorithm = ("auto", "direct", "fast")[choice // 2 % 4 % 3]
            count[one_input(losses[number], x, algorithm, what)] += 1

    for k in range(first_seed, first_seed + max(1, examples // EXAMPLES_OF_A_RUN)):
        seed(k)(judge)()
    return dict(count)


def test_ragged_inputs(long: bool, figure: Callable[[str, str], None]) -> None:
    ended = run_child(judge_examples, 100_000 if long else 300, 1, seconds=7200, env={"OMP_NUM_THREADS": "1"})
    assert ended.how == "ok", f"{ended.how}\n{ended.output[-3000:]}"
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in sorted(ended.answer.items()))
    figure("hypothesis", f"{sum(ended.answer.values()):,} inputs ({kinds}): 0 wrong, 0 crashes")
    assert ended.answer["hostile"] >= 0.15 * sum(ended.answer.values())
