"""Evaluations that only a callback makes: the implicit losses and the metrics."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from rankgrad._core import VALUE, VALUE_GRAD
from rankgrad._frameworks import Results
from rankgrad._frameworks.calls import Call
from rankgrad._frameworks.jax import programs
from rankgrad._frameworks.jax.arrays import (
    BOUNDARIES,
    Arrays,
    bounds_stand_in,
    is_traced,
    is_whole,
    plain,
    stand_in,
    struct,
)
from rankgrad._frameworks.jax.derivatives import Problem


class OtherProblem(Problem):
    """Any evaluation, with its constants as they came: a callback puts numbers for what of them is traced."""

    def __init__(
        self, function: Any, owner: Any, mode: int, scores: Arrays, constants: Arrays, value_dtype: Any
    ) -> None:
        self._function, self._owner, self._mode, self._value_dtype = function, owner, mode, value_dtype
        paths, self._tree = jax.tree_util.tree_flatten_with_path(constants, is_leaf=is_whole)
        self._leaves = [leaf for _, leaf in paths]
        self._places = [k for k, leaf in enumerate(self._leaves) if is_traced(leaf)]
        self.data = tuple(plain(self._leaves[k]) for k in self._places)
        stand_ins = []
        for k, x in zip(self._places, self.data, strict=True):
            name: Any = getattr(paths[k][0][-1], "name", None) or getattr(paths[k][0][-1], "key", None)
            is_bounds = name in BOUNDARIES
            stand_ins.append(bounds_stand_in(name, x, scores[-1].size) if is_bounds else stand_in(x))
        checked = self._evaluate(mode, tuple(map(stand_in, scores)), tuple(stand_ins))
        self._values_shape = np.shape(checked[0])
        self.unreduced = self._values_shape != ()

    def _evaluate(self, mode: int, scores: Arrays, data: Arrays, cotangent: Any = None) -> Results:
        leaves = list(self._leaves)
        for place, number in zip(self._places, data, strict=True):
            leaves[place] = number
        constants: Any = jax.tree.unflatten(self._tree, leaves)
        call = Call(self._function, self._owner, self._mode, [x.shape for x in scores], constants)
        return call(mode, scores, cotangent)

    def kernel(
        self, mode: int, scores: Arrays, data: Arrays, cotangent: Any = None, vector: Any = None
    ) -> Arrays:
        like_scores = [struct(x.shape, x.dtype) for x in scores]
        results = [struct(self._values_shape, self._value_dtype)] if mode in (VALUE, VALUE_GRAD) else []
        results += like_scores * {VALUE: 0, VALUE_GRAD: 1}.get(mode, 2)
        n, extra = len(scores), () if cotangent is None else (cotangent,)

        def host(*arrays: Any) -> Arrays:
            own = tuple(x[()] for x in arrays[n : n + len(data)])
            parts = self._evaluate(mode, arrays[:n], own, *arrays[n + len(data) :])
            wanted = programs.wanted(parts, mode)
            return tuple(np.asarray(x, each.dtype) for x, each in zip(wanted, results, strict=True))

        return programs.run(host, None, (*scores, *data, *extra), results)
