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

NDCG = {"gain": "table", "gain_table": (0.0, 1.0, 3.0), "k": 2, "truncation": 1, "normalize": False}
PAIRWISE = {
    "loss": ("quantile", {"tau": 0.25}), "temperature": 2.0, "algorithm": "fast", "lambda_weight": ("ndcg", NDCG),
    "reduction": "mean_with_sample_weight", "negative_labels": "use", "nan": "raise",
}  # fmt: skip
LISTWISE = {"loss": ("approx_ndcg", {"k": 2}), "target": "exp2_gain", "seed": 3, "nan": "propagate"}
IMPLICIT = {
    "loss": ("hinge", {"kink": 0.5}), "choice": "every", "square": True, "rank_weight": "collie", "floor": False,
    "clip": 1.0, "num_items": 9, "negative_name": "negative_scores",
}  # fmt: skip
WEIGHTS = (None, np.array([1.0, 0.0, 2.0]), np.array([1.0, 2.0]))
PLAIN: dict[str, tuple[Any, ...]] = {
    "Objective": (("pairwise", PAIRWISE), LABELS, OFFSETS, np.ones(3, np.uint8), *WEIGHTS),
    "ImplicitLoss": (("implicit", IMPLICIT),),
    "DefaultFloatMode": (),
}
EVALUATE: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "Objective": (
        (1, SCORES),
        {"vector": None, "cotangent": SCORES, "cotangent_factor": 2.0, "min_hessian": 0.0, "threads": 2,
         "iteration": 7, "values": np.empty(3), "grad": np.empty(3), "hess": None},
    ),
    "ImplicitLoss": (
        (1, SCORES, SCORES),
        {"offsets": None, "margin": 1.0, "margins": SCORES, "features": [], "positive_items": None,
         "negative_items": None, "weight": SCORES, "cotangent": None, "mean": True, "factor": 1.0, "threads": 2,
         "new_results": True, "values": np.empty(3), "grad_positive": np.empty(3), "grad_negative": np.empty(3),
         "hess_positive": None, "hess_negative": None},
    ),
}  # fmt: skip
JUNK = (
    None, -1, 0, 2**31 - 1, 2**62, 2**64, 1.5, float("nan"), float("inf"), -0.0, True, "", "hinge", b"x", (), [], {},
    [1, "a"], np.zeros(0), np.zeros(3), np.full(3, np.nan), np.zeros(2), np.zeros((3, 3)), np.zeros(3, np.float32),
    np.array([0, 3]), np.array([3, 0]), np.array([0, 2**62]), np.array([1, 2, -3]), np.array(None), np.array("a"),
    np.zeros(4)[::2], [("a", np.array([1, 2, 3]), 0.5)], [("a", NO_TABLE, 0.5)], object(),
)  # fmt: skip


def classes() -> dict[str, type]:
    return {name: x for name, x in vars(_core).items() if isinstance(x, type)}


def made(name: str) -> Any:
    return classes()[name](*PLAIN[name])


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
            _core.Objective(("pairwise", {"loss": argument.__new__(argument)}), LABELS)
            wrong.append(f"Objective takes an unmade {argument.__name__}")
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
        for _ in range(rng.integers(0, 3)):
            if given:
                k = rng.integers(len(given))
                settings = isinstance(given[k], tuple) and len(given[k]) == 2 and rng.random() < 0.9
                given[k] = spoiled_settings(given[k]) if settings else pick()
        return given

    def spoiled_fields(fields: dict[str, Any]) -> dict[str, Any]:
        given = dict(fields)
        for _ in range(rng.integers(0, 3)):
            given[rng.choice([*given, "junk", ""])] = pick()
        return given

    def spoiled_settings(settings: tuple[str, dict[str, Any]]) -> Any:
        name, values = settings
        return name, spoiled_fields(values)

    others = (("pairwise", {"loss": "logistic", "algorithm": "fast"}), ("listwise", LISTWISE))
    objects = [made(name) for name in classes()] + [_core.Objective(x, LABELS, OFFSETS) for x in others]
    for _ in range(n):
        x = objects[rng.integers(len(objects))]
        kind = type(x)
        arguments = PLAIN[kind.__name__]
        if kind is _core.Objective and rng.random() < 0.5:
            arguments = (others[rng.integers(2)], *arguments[1:])
        yield partial(kind, *spoiled(arguments))
        if kind.__name__ in EVALUATE:
            usual, fields = EVALUATE[kind.__name__]
            yield partial(x.evaluate, *spoiled(usual), **spoiled_fields(fields))
            yield partial(evaluate_new, kind, spoiled(arguments), spoiled(usual), spoiled_fields(fields))
        for attribute in own_names(kind):
            yield partial(call_attribute, x, attribute, pick())


def evaluate_new(kind: type, arguments: list[Any], rest: list[Any], fields: dict[str, Any]) -> Any:
    return kind(*arguments).evaluate(*rest, **fields)


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
