"""Losses over lists, bound or not: what compiled programs call by a text and the arrays of their data.

All that can be checked when a program is traced is, by the checks of NumPy's calls: stand-ins have the places of traced
arrays.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rankgrad import _core
from rankgrad._arrays import as_array, as_labels, as_mask, as_weights
from rankgrad._checks import thread_count, whole
from rankgrad._data import Data
from rankgrad._frameworks.jax import programs
from rankgrad._frameworks.jax.arrays import (
    BOUNDARIES,
    Arrays,
    bounds_stand_in,
    constant,
    exact,
    is_traced,
    is_whole,
    plain,
    stand_in,
    struct,
)
from rankgrad._frameworks.jax.derivatives import Problem
from rankgrad._settings_text import settings_text
from rankgrad.ranking_softmax import RankingSoftmaxLoss, _in_own_words


class ListsProblem(Problem):
    """A loss over lists: `objective` is bound to the data, or to stand-ins; `bind` gives the one for NumPy's data.

    `facts` are what the text for the core says of the data.
    """

    second = True
    in_words: Any = None

    def __init__(
        self,
        objective: Any,
        bind: Callable[..., Any],
        data: Arrays,
        facts: dict[str, Any],
        algorithm: str,
        n_threads: Any,
        iteration: Any,
        least: float = 0.0,
    ) -> None:
        self.objective, self._least = objective, least
        self._n_threads, self._iteration = n_threads, 0
        self.unreduced = objective._unreduced
        self._n_data, loss = len(data), objective._loss
        facts = facts | {"threads": thread_count(n_threads), "min_hessian": least}
        facts |= {"unreduced": self.unreduced, "check_vector": None if loss.nan == "raise" else False}
        step = whole(stand_in(iteration), "iteration", 0, 2**64 - 1)
        if is_traced(iteration):
            data, facts["counted"] = (*data, iteration), True
        else:
            facts["iteration"] = self._iteration = step
        self._constants = [None if is_traced(x) else constant(x) for x in data]
        self.data = tuple(plain(x) for x in data if is_traced(x))
        self._bind: Callable[..., Any] = bind if self.data else lambda *_: objective
        self._loss = (loss._family, loss._settings() | {"algorithm": algorithm})
        # What is left out is the usual; None is left out of any text.
        self._facts = {key: x for key, x in facts.items() if x or key == "check_vector"}

    def check(self, x: Any, cotangent: Any, vector: Any) -> None:
        """What shapes tell, and numbers that are known."""
        objective = self.objective
        scores = objective._scores(np.zeros(x.shape, x.dtype))
        if cotangent is not None:
            objective._cotangent(stand_in(cotangent))
        if vector is not None:
            objective._vector(stand_in(vector), scores)

    def values_shape(self, x: Any) -> tuple[int, ...]:
        if not self.unreduced:
            return ()
        own: tuple[int, ...] = self.objective._values_shape
        return x.shape if self.objective._core.values_per_item else own

    def kernel(
        self, mode: int, scores: Arrays, data: Arrays, cotangent: Any = None, vector: Any = None
    ) -> Arrays:
        (x,) = scores
        like_scores = struct(x.shape, x.dtype)
        with_value = mode in (_core.VALUE, _core.VALUE_GRAD)
        results = [struct(self.values_shape(x), x.dtype)] if with_value else []
        results += [like_scores] * {_core.VALUE: 0, _core.VALUE_GRAD: 1, _core.HESS_VECTOR: 1}.get(mode, 2)
        extra = tuple(each for each in (cotangent, vector) if each is not None)
        n, all_data = 1 + self._n_data, programs.merged(self._constants, data)
        operands = (x, *all_data[: n - 1], *extra, *all_data[n - 1 :])

        def host(x: Any, *rest: Any) -> Arrays:
            own, others = rest[: n - 1], list(rest[n - 1 :])
            c = None if cotangent is None else others.pop(0)
            v = None if vector is None else others.pop(0)
            iteration = int(others[0]) if others else self._iteration
            call: Any = self._bind(*own)._evaluate
            if self.in_words is not None:
                call = self.in_words(call)
            all_of = call(mode, (x,), c, None, self._n_threads, iteration, v, self._least)
            return tuple(np.asarray(each, x.dtype) for each in programs.wanted(all_of, mode))

        return programs.run(host, self._text(mode, x, cotangent), operands, results)

    def _text(self, mode: int, x: Any, cotangent: Any) -> str | None:
        """None where a callback has to do: scores are converted first, or errors have words of their own."""
        loss = self.objective._loss
        if loss.dtype not in (None, x.dtype.name) or (self.in_words is not None and loss.nan == "raise"):
            return None
        each = None if cotangent is None else "all" if np.ndim(cotangent) == 0 else "item"
        call = {"loss": self._loss, "mode": mode, "rank": x.ndim, "cotangent": each}
        return settings_text(("call", call | self._facts))


def of_loss(
    loss: Any, data: Data, n_threads: Any, iteration: Any, bind: Callable[[Data], Any]
) -> ListsProblem:
    """The problem of a call of a loss; data that are not traced are constants of the program."""
    y = data.y_true
    labels: Any
    labels, mask = (y.get("labels"), y.get("mask")) if isinstance(y, dict) else (y, None)
    stand_ins = jax.tree.map(stand_in, data._replace(**dict.fromkeys(BOUNDARIES)), is_leaf=is_whole)
    given = [name for name in BOUNDARIES if getattr(data, name) is not None]
    bounds = {name: getattr(data, name) for name in given}
    traced = next((name for name in given if is_traced(bounds[name])), None)
    n = math.prod(np.shape(labels)) if traced else 0
    if traced == "qid" and np.ndim(data.sample_weight) == 2:
        _refuse_unknown_lists("weights")
    objective = bind(stand_ins._replace(**{name: bounds_stand_in(name, x, n) for name, x in bounds.items()}))
    if traced == "qid" and objective._unreduced and not objective._core.values_per_item:
        _refuse_unknown_lists("values of reduction 'none'")
    arrays: dict[str, Any] = {"labels": labels if is_traced(labels) else exact(as_labels(labels, "labels"))}
    facts: dict[str, Any] = {"mask": mask is not None}
    if mask is not None:
        arrays["mask"] = mask if is_traced(mask) else as_mask(mask, "mask", np.shape(mask)) != 0
    if given:
        facts["lists"] = traced or "offsets"
        arrays[facts["lists"]] = bounds[traced] if traced else exact(objective._core.offsets(), "offsets")
    if (w := data.sample_weight) is not None:
        arrays["sample_weight"] = w = w if is_traced(w) else as_weights(w, "sample_weight")
        facts["weight"] = _each(w, objective, loss)
    names = tuple(arrays)

    def bind_numpy(*numbers: Any) -> Any:
        by_name = dict(zip(names, numbers, strict=True))
        own = by_name.pop("labels")
        if mask is not None:
            own = {"labels": own, "mask": by_name.pop("mask")}
        return bind(Data(own, **by_name))

    return ListsProblem(objective, bind_numpy, tuple(arrays.values()), facts, "auto", n_threads, iteration)


def of_objective(objective: Any, n_threads: Any, iteration: Any, least: float = 0.0) -> ListsProblem:
    """The problem of a bound objective: its own data are operands, too, so that a program is right in any process."""
    core, source = objective._core, objective._source
    number, per_item, per_list = core.weights()
    facts: dict[str, Any] = {"lists": "offsets", "mask": core.n_valid < core.n_items}
    data = [exact(source.labels), exact(core.offsets(), "offsets")]
    if facts["mask"]:
        data.insert(1, core.valid())
    for each, weight in (("all", number), ("item", per_item), ("list", per_list)):
        if weight is not None:
            facts["weight"] = each
            data.append(np.asarray(weight))
    loss = objective._loss
    digest = hashlib.blake2b(repr((type(loss), loss, source.algorithm, facts)).encode(), digest_size=16)
    for array in data:
        digest.update(str((array.dtype, array.shape)).encode() + np.ascontiguousarray(array).tobytes())
    facts["shared"] = f"d{digest.hexdigest()}"
    _core.xla_share(core, facts["shared"])
    return ListsProblem(
        objective, lambda *_: objective, tuple(data), facts, source.algorithm, n_threads, iteration, least
    )


def of_softmax(
    owner: RankingSoftmaxLoss,
    x: Any,
    labels: Any,
    where: Any,
    weights: Any,
    reduction: Any,
    nan: str,
    n_threads: Any,
) -> ListsProblem:
    """The rows of a `ranking_softmax_loss`: labels, `where` and weights in the shape of its objective."""

    def bind(shape: Any, *data: Any) -> Any:
        bound: Any = owner._bound
        return bound(shape, *data, reduction, nan, n_threads)[0]

    objective = bind(x.shape, *map(stand_in, (labels, where, weights)))
    shape = objective.shape
    data = [labels if is_traced(labels) else exact(as_labels(labels, "labels"))]
    if where is not None:
        data.append(where if is_traced(where) else as_array(where, "where", kinds="b"))
    if weights is not None:
        data.append(weights if is_traced(weights) else as_weights(weights, "weights"))

    def bind_numpy(*numbers: Any) -> Any:
        rest = iter(numbers[1:])
        return bind(shape, numbers[0], *(None if each is None else next(rest) for each in (where, weights)))

    facts = {"mask": where is not None, "weight": None if weights is None else "item"}
    wide = tuple((jnp if is_traced(each) else np).broadcast_to(each, shape) for each in data)
    problem = ListsProblem(objective, bind_numpy, wide, facts, "auto", n_threads, 0)
    problem.in_words = _in_own_words
    return problem


def _refuse_unknown_lists(what: str) -> None:
    raise ValueError(
        f"qid: is traced, so the number of lists, and of the {what}, is not known; pass groups= or offsets="
    )


def _each(weight: Any, objective: Any, loss: Any) -> str:
    """What there is a weight of, whose shape has been checked."""
    if np.ndim(weight) == 0:
        return "all"
    return "item" if loss._item_weights and np.shape(weight) == objective.shape else "list"
