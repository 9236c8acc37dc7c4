"""The core's private classes: objects that no constructor made, and arguments of any kind. Errors, never a crash."""

from __future__ import annotations

import copy
import itertools
import pickle
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from rankgrad import _core

from children import fresh

LABELS, SCORES = np.array([2.0, 0.0, 1.0]), np.array([0.5, -0.5, 1.0])
OFFSETS = np.array([0, 2, 3])
NO_TABLE = np.zeros(0)

PLAIN = {
    "PairWeight": ("none", "linear", NO_TABLE, 0, 0, False),
    "Listwise": ("softmax", "label", 1.0, 1.0, 0, 0, LABELS, OFFSETS, None, True, False),
    "ImplicitLoss": ("hinge", "every", 1.0, True, "collie", False, 0.0, 9, "negative_scores"),
    "DefaultFloatMode": (),
}
JUNK = (
    None, -1, 0, 2**31 - 1, 2**62, 2**64, 1.5, float("nan"), float("inf"), -0.0, True, "", "hinge", b"x", (), [], {},
    [1, "a"], np.zeros(0), np.zeros(3), np.full(3, np.nan), np.zeros(2), np.zeros((3, 3)), np.zeros(3, np.float32),
    np.array([0, 3]), np.array([3, 0]), np.array([0, 2**62]), np.array([1, 2, -3]), np.array(None), np.array("a"),
    np.zeros(4)[::2], [("a", np.array([1, 2, 3]), 0.5)], [("a", NO_TABLE, 0.5)], object(),
)  # fmt: skip


def classes() -> dict[str, type]:
    return {name: x for name, x in vars(_core).items() if isinstance(x, type)}


def made(name: str) -> Any:
    if name == "Pairwise":
        arguments: tuple[Any, ...] = (
            "hinge", 1.0, 0.5, LABELS, OFFSETS, None, True, False, "auto", made("PairWeight"),
        )  # fmt: skip
    else:
        arguments = PLAIN[name]
    return classes()[name](*arguments)


def own_names(kind: type) -> list[str]:
    """Methods and properties, the inherited ones of object left out."""
    return [name for name in dir(kind) if name not in dir(object)]


def unmade_ones() -> list[str]:
    """What does not raise TypeError on an object that no constructor made, as itself or as an argument."""
    wrong, tried = [], 0
    for (name, kind), argument in itertools.product(classes().items(), classes().values()):
        unmade, other = kind.__new__(kind), argument.__new__(argument)
        for attribute in own_names(kind):
            for arguments in ((), (other,), (3,), (None,) * 15, (0, SCORES, *(None,) * 13)):
                tried += 1
                try:
                    member = getattr(unmade, attribute)
                    answer = member(*arguments)
                except TypeError:
                    continue
                wrong.append(f"{name}.{attribute}{arguments} gives {answer!r}")
    for argument in classes().values():
        try:
            _core.Pairwise(
                "hinge", 1.0, 0.5, LABELS, None, None, True, False, "auto", argument.__new__(argument)
            )
            wrong.append(f"Pairwise takes an unmade {argument.__name__}")
        except TypeError:
            continue
    assert tried > 100
    return wrong


def junk_calls(seed: int, n: int) -> Iterator[Callable[[], Any]]:
    """Constructors and methods with arguments, one, two or all of which are junk."""
    rng = np.random.default_rng(seed)

    def pick() -> Any:
        return JUNK[rng.integers(len(JUNK))]

    def spoiled(arguments: tuple[Any, ...]) -> list[Any]:
        given = list(arguments)
        for _ in range(rng.integers(1, 3)):
            if given:
                given[rng.integers(len(given))] = pick()
        return given

    weight = made("PairWeight")
    pairwise = ("logistic", 1.0, 0.5, LABELS, OFFSETS, None, True, False, "auto", weight)
    objects = [made(name) for name in classes()] + [
        _core.Pairwise(*pairwise[:8], "fast", weight),
        _core.Listwise(*PLAIN["Listwise"][:10], True, "fast"),
    ]
    out = [np.empty(3) for _ in range(3)]
    evaluate = (1, SCORES, None, None, None, 1.0, None, 1.0, 0.0, True, 2, out[0], out[1], None)
    implicit = (1, SCORES, SCORES, None, 1.0, None, [], None, None, None, None, True, 1.0, 2, True,
                out[2], out[0], out[1], None, None)  # fmt: skip
    for _ in range(n):
        x = objects[rng.integers(len(objects))]
        kind = type(x)
        arguments = pairwise if kind.__name__ == "Pairwise" else PLAIN[kind.__name__]
        yield partial(kind, *spoiled(arguments))
        if hasattr(x, "evaluate"):
            usual = implicit if kind.__name__ == "ImplicitLoss" else evaluate
            yield partial(x.evaluate, *spoiled(usual))
            yield partial(evaluate_new, kind, spoiled(arguments), spoiled(usual))
        for attribute in own_names(kind):
            yield partial(call_attribute, x, attribute, pick())


def evaluate_new(kind: type, arguments: list[Any], rest: list[Any]) -> Any:
    return kind(*arguments).evaluate(*rest)


def call_attribute(x: Any, attribute: str, argument: Any) -> Any:
    return getattr(x, attribute)(argument)


def junk_survived(seed: int, n: int) -> list[int]:
    """How many calls answered, and how many raised."""
    counts = [0, 0]
    for call in junk_calls(seed, n):
        try:
            call()
            counts[0] += 1
        except (TypeError, ValueError, IndexError, OverflowError, MemoryError):
            counts[1] += 1
    return counts


def test_every_class_can_be_made() -> None:
    assert {name: type(made(name)).__name__ for name in classes()} == {name: name for name in classes()}


def test_objects_that_no_constructor_made() -> None:
    assert fresh(unmade_ones) == []


def test_junk_arguments(long: bool, figure: Callable[[str, str], None]) -> None:
    answered, raised = fresh(junk_survived, 0, 100_000 if long else 1500, seconds=3000)
    figure("private", f"{answered + raised} calls of private classes with junk: {raised} errors, 0 crashes")
    assert min(answered, raised) > 100


def copies_that_were_made() -> list[str]:
    """What can be pickled or copied, of any protocol, made by a constructor or not."""
    wrong = []
    for name, kind in classes().items():
        for x in (made(name), kind.__new__(kind)):
            calls: list[Callable[[Any], Any]] = [partial(pickle.dumps, protocol=p) for p in range(6)]
            for call in (*calls, copy.copy, kind.__reduce__):
                try:
                    call(x)
                    wrong.append(name)
                except TypeError:
                    pass
    return wrong


def test_no_pickle_makes_an_object_without_its_constructor() -> None:
    assert fresh(copies_that_were_made) == []
