"""TensorFlow: tensors in, tensors out, in eager mode and in a `tf.function`.

Every evaluation is a call back into Python, `tf.numpy_function`, which XLA cannot compile. A value is evaluated with
its gradient, which is kept for the tape; the derivative of the gradient of a reduced loss is a Hessian-vector product.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import tensorflow as tf

from rankgrad._core import GRAD_HESS, GRAD_POSITIVE_HESS, HESS_VECTOR, VALUE, VALUE_GRAD
from rankgrad._frameworks import Results, records
from rankgrad._frameworks.calls import NOT_KNOWN, Call, names_of_scores, parts
from rankgrad.implicit import ImplicitLoss
from rankgrad.ranking_softmax import RankingSoftmaxLoss

_WITH_VALUE = (VALUE, VALUE_GRAD)


def evaluate(function: Any, owner: Any, mode: int, scores: tuple[Any, ...], *constants: Any) -> Results:
    """What `function` gives for tensors, as tensors of their dtype."""
    for name, x in zip(names_of_scores(owner), scores, strict=True):
        if not tf.is_tensor(x):
            raise TypeError(f"{name}: a tensor is wanted, as the other scores are, got {type(x).__name__}")
        if not x.dtype.is_floating:
            raise TypeError(f"{name}: floating-point numbers are wanted in a tensor, got {x.dtype.name}")
    given = [tf.convert_to_tensor(x) for x in scores]
    dtype = tf.float64 if any(x.dtype == tf.float64 for x in given) else tf.float32
    program = _Program(function, owner, mode, constants, dtype)
    wide = [tf.cast(x, dtype) for x in given]
    if isinstance(owner, RankingSoftmaxLoss):
        shapes = [tf.shape(x) for x in (*wide, *constants[:3]) if x is not None]
        wide = [tf.broadcast_to(wide[0], functools.reduce(tf.broadcast_dynamic_shape, shapes))]
    if mode == VALUE and not isinstance(owner, str):
        return tf.cast(program.value(*wide), given[0].dtype), None, None
    value, *derivatives = program.run(mode, wide)
    grad, hess = (None if d is None else _as_given(d, given) for d in derivatives)
    return (None if value is None else tf.cast(value, given[0].dtype)), grad, hess


def _as_given(derivative: list[Any], scores: list[Any]) -> Any:
    cast = tuple(tf.cast(d, x.dtype) for d, x in zip(derivative, scores, strict=True))
    return cast if len(cast) > 1 else cast[0]


class _Program:
    """A call whose arrays may be tensors of a graph, of which only the shapes are known until it runs."""

    def __init__(self, function: Any, owner: Any, mode: int, constants: tuple[Any, ...], dtype: Any) -> None:
        self._record = records.Record(tf.convert_to_tensor)
        self._template = self._record.template(constants)
        self._function, self._owner, self._mode, self._constants = function, owner, mode, constants
        self._dtype = dtype

    def run(self, mode: int, scores: list[Any], direction: Any = None) -> tuple[Any, Any, Any]:
        """Value, gradients, and Hessians or a product: what the mode has of them."""
        n, with_value = len(scores), mode in _WITH_VALUE and direction is None
        n_derivatives = {VALUE: 0, GRAD_HESS: 2 * n, GRAD_POSITIVE_HESS: 2 * n}.get(mode, n)
        inputs = scores if direction is None else [*scores, direction]

        def on_host(*arrays: Any) -> list[Any]:
            call = self._call(arrays[:n], arrays[len(inputs) :])
            value, *derivatives = call(mode, arrays[:n], *arrays[n : len(inputs)])
            found = [value] if with_value else []
            found += [x for d in derivatives if d is not None for x in parts(d)]
            return [np.asarray(x, self._dtype.as_numpy_dtype) for x in found]

        kinds = [self._dtype] * (with_value + n_derivatives)
        results = tf.nest.flatten(tf.numpy_function(on_host, [*inputs, *self._record.arrays], kinds))
        value = results.pop(0) if with_value else None
        if value is not None:
            value.set_shape(self._shape_of_value(scores))
        for k, x in enumerate(results):
            x.set_shape(scores[k % n].shape)
        return value, results[:n] or None, results[n:] or None

    def _call(self, scores: Any, arrays: Any) -> Call:
        constants = records.rebuilt(self._template, arrays, self._record.wholes, self._record.reals)
        return Call(self._function, self._owner, self._mode, [np.shape(x) for x in scores], constants)

    def _shape_of_value(self, scores: list[Any]) -> Any:
        shapes = [tuple(x.shape) for x in scores]
        return records.values_shape(self._owner, shapes, self._constants, lambda: None)

    def value(self, *scores: Any) -> Any:
        """The value as a function of the scores, that a tape can differentiate."""

        @tf.custom_gradient
        def value_of(*scores: Any) -> Any:
            value, grads, _ = self.run(VALUE_GRAD, list(scores))

            def backward(cotangent: Any) -> Any:
                if value.shape.rank == 0:
                    return [cotangent * g for g in self._gradient(scores, grads)]
                return _without_derivative(self.run(VALUE_GRAD, list(scores), cotangent)[1], scores)

            return value, backward

        return value_of(*scores)

    def _gradient(self, scores: Any, grads: list[Any]) -> Any:
        """The gradients, which are known, as functions of the scores."""

        @tf.custom_gradient
        def gradient_of(*scores: Any) -> Any:
            def backward(*directions: Any) -> Any:
                if isinstance(self._owner, ImplicitLoss):
                    raise NotImplementedError(NOT_KNOWN)
                return _without_derivative(self.run(HESS_VECTOR, list(scores), directions[0])[1], scores)

            return [tf.identity(g) for g in grads], backward

        return gradient_of(*scores)


def _without_derivative(derivatives: Any, scores: Any) -> Any:
    """The derivatives as functions of the scores that have no derivative themselves."""

    @tf.custom_gradient
    def last(*_scores: Any) -> Any:
        def backward(*_directions: Any) -> Any:
            raise NotImplementedError(NOT_KNOWN)

        return [tf.identity(x) for x in derivatives], backward

    return last(*scores)
