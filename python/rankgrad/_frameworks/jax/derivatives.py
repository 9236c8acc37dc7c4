"""How values join the graph of JAX: the rules by which they are differentiated.

A value's derivative is the gradient, which comes with it from one call of the core; the derivative of that is the
Hessian's product, which is linear and its own transpose. Unreduced values have a gradient under a cotangent only.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp

from rankgrad import _core
from rankgrad._arrays import as_weights
from rankgrad._frameworks import Results
from rankgrad._frameworks.calls import NOT_KNOWN
from rankgrad._frameworks.jax.arrays import Arrays, constant, is_traced, plain, to_numpy


class Problem:
    """Scores in, value and derivatives out; `second` says whether products with the Hessian are known."""

    second = False
    unreduced = False
    data: Arrays = ()

    def kernel(
        self, mode: int, scores: Arrays, data: Arrays, cotangent: Any = None, vector: Any = None
    ) -> Arrays:
        """One call of the core: the value where the mode has one, then the derivatives, by each of the scores."""
        raise NotImplementedError


def cast(x: Any, dtype: Any) -> Any:
    """In eager derivatives each step takes JAX a millisecond, those that change nothing too."""
    if not is_traced(x):
        return jnp.asarray(x, dtype)
    return x if x.dtype == dtype else x.astype(dtype)


def results(
    problem: Problem, mode: int, scores: Arrays, cotangent: Any = None, vector: Any = None
) -> Results:
    """What the mode gives, with its derivatives or their refusal."""
    data = problem.data
    if cotangent is not None:
        known = not is_traced(cotangent)
        cotangent = constant(as_weights(to_numpy(cotangent), "cotangent")) if known else plain(cotangent)
    if mode == _core.VALUE:
        return (_values if problem.unreduced else _value)(problem, scores, data), None, None
    if mode == _core.HESS_VECTOR:
        return None, _hess_product(problem, scores, data, cotangent, vector), None
    if mode == _core.VALUE_GRAD and problem.second and not problem.unreduced:
        value, grads = _value_and_grad(problem, scores, data)
        if cotangent is not None:
            grads = tuple(cast(g * cotangent, g.dtype) for g in grads)
        return value, _as_scores(grads), None
    parts = _without_derivative(lambda *a: problem.kernel(mode, *a))(scores, data, cotangent)
    if mode == _core.VALUE_GRAD:
        return parts[0], _as_scores(parts[1:]), None
    return None, _as_scores(parts[: len(scores)]), _as_scores(parts[len(scores) :])


def _as_scores(grads: Arrays) -> Any:
    return grads[0] if len(grads) == 1 else tuple(grads)


def _value(problem: Problem, scores: Arrays, data: Arrays) -> Any:
    """A reduced value. Its derivative comes with the gradient, by one call of the core."""

    @jax.custom_jvp
    def value(scores: Arrays, data: Arrays) -> Any:
        return problem.kernel(_core.VALUE, scores, data)[0]

    @value.defjvp
    def _(primals: Arrays, tangents: Arrays) -> Any:
        value, grads = _value_and_grad(problem, *primals)
        return value, _dot(grads, tangents[0])

    return value(scores, data)


def _value_and_grad(problem: Problem, scores: Arrays, data: Arrays) -> Any:
    """A reduced value and its gradients, whose derivative is the Hessian's product."""

    @jax.custom_jvp
    def value_and_grad(scores: Arrays, data: Arrays) -> Any:
        value, *grads = problem.kernel(_core.VALUE_GRAD, scores, data)
        return value, tuple(grads)

    @value_and_grad.defjvp
    def _(primals: Arrays, tangents: Arrays) -> Any:
        if not problem.second:
            raise NotImplementedError(NOT_KNOWN)
        (scores, data), (t, _) = primals, tangents
        value, grads = _value_and_grad(problem, scores, data)
        return (value, grads), (_dot(grads, t), (_hess_product(problem, scores, data, None, t[0]),))

    return value_and_grad(scores, data)


def _values(problem: Problem, scores: Arrays, data: Arrays) -> Any:
    """Unreduced values. Their gradient is known under a cotangent, which comes last: one more call of the core."""

    @jax.custom_vjp
    def values(scores: Arrays, data: Arrays) -> Any:
        return problem.kernel(_core.VALUE, scores, data)[0]

    def back(kept: Arrays, cotangent: Any) -> Any:
        kernel = _without_derivative(lambda *a: problem.kernel(_core.VALUE_GRAD, *a))
        return tuple(kernel(*kept, cotangent)[1:]), None

    values.defvjp(lambda scores, data: (values(scores, data), (scores, data)), back)
    return values(scores, data)


def _hess_product(problem: Problem, scores: Arrays, data: Arrays, cotangent: Any, vector: Any) -> Any:
    """H v, which is linear in v and its own transpose: JAX has such a thing as the solution x of H^-1 x = v."""

    def inverse(x: Any) -> Any:
        return _without_derivative(lambda x, scores: x)(x, scores)

    def product(_: Any, v: Any) -> Any:
        return problem.kernel(_core.HESS_VECTOR, scores, data, cotangent, v)[0]

    return jax.lax.custom_linear_solve(inverse, vector, product, symmetric=True)


def _without_derivative(function: Callable[..., Any]) -> Any:
    """The function; an error where it is differentiated."""

    @jax.custom_jvp
    def call(*arguments: Any) -> Any:
        return function(*arguments)

    @call.defjvp
    def _(primals: Arrays, tangents: Arrays) -> Any:
        raise NotImplementedError(NOT_KNOWN)

    return call


def _dot(grads: Arrays, tangents: Arrays) -> Any:
    return reduce(operator.add, map(jnp.vdot, grads, tangents))
