"""Evaluations that only a callback makes: the implicit losses and the metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from rankgrad import _core
from rankgrad._frameworks import Results
from rankgrad._frameworks.jax import calls
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
        self,
        function: Callable[..., Results],
        owner: Any,
        mode: int,
        scores: Arrays,
        constants: Arrays,
        with_cotangent: Callable[[Arrays, Any], Arrays] | None = None,
        cotangent: Any = None,
    ) -> None:
        self._function, self._owner = function, owner
        paths, self._tree = jax.tree_util.tree_flatten_with_path(constants, is_leaf=is_whole)
        self._leaves = [leaf for _, leaf in paths]
        self._places = [k for k, leaf in enumerate(self._leaves) if is_traced(leaf)]
        self.data = tuple(plain(self._leaves[k]) for k in self._places)
        self._with_cotangent = with_cotangent
        numbers = []
        for k, x in zip(self._places, self.data, strict=True):
            name = getattr(paths[k][0][-1], "name", None) or getattr(paths[k][0][-1], "key", None)
            numbers.append(bounds_stand_in(name, x, scores[-1].size) if name in BOUNDARIES else stand_in(x))
        c = None if cotangent is None else stand_in(cotangent)
        checked = self._evaluate(mode, tuple(map(stand_in, scores)), tuple(numbers), c)
        self._values_shape = np.shape(checked[0])

    def _evaluate(self, mode: int, scores: Arrays, data: Arrays, cotangent: Any = None) -> Results:
        leaves = list(self._leaves)
        for place, number in zip(self._places, data, strict=True):
            leaves[place] = number
        constants: Any = jax.tree.unflatten(self._tree, leaves)
        if cotangent is not None and self._with_cotangent is not None:
            constants = self._with_cotangent(constants, cotangent)
        return self._function(self._owner, mode, scores, *constants)

    def kernel(
        self,
        mode: int,
        scores: Arrays,
        data: Arrays,
        cotangent: Any = None,
        vector: Any = None,
        *,
        value_dtype: Any = None,
    ) -> Arrays:
        dtype = value_dtype or scores[0].dtype
        like_scores = [struct(x.shape, x.dtype) for x in scores]
        with_value = mode in (_core.VALUE, _core.VALUE_GRAD)
        results = [struct(self._values_shape, dtype)] if with_value else []
        results += like_scores * {_core.VALUE: 0, _core.VALUE_GRAD: 1}.get(mode, 2)
        n, extra = len(scores), () if cotangent is None else (cotangent,)

        def host(*arrays: Any) -> Arrays:
            own, c = arrays[n:], None
            if extra:
                own, c = own[:-1], own[-1]
            parts = self._evaluate(mode, arrays[:n], tuple(x[()] for x in own), c)
            return tuple(
                np.asarray(x, each.dtype) for x, each in zip(calls.wanted(parts, mode), results, strict=True)
            )

        return calls.call(host, None, (*scores, *data, *extra), results)
