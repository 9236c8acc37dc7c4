"""Scores in JAX: values that are differentiated, compiled and batched as any of its functions.

Where nothing is traced, NumPy's call is made. Otherwise the value has a derivative of its own, the gradient that came
with it from one call of the core; the derivative of that is the Hessian's product. So `grad`, `value_and_grad`, `jvp`
of `grad`, `grad` of `grad`, `jit` and `vmap` work, alone and in each other. Unreduced values have a gradient under a
cotangent, by a second call, and no second derivative, which implicit losses have neither. Metrics are constants.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rankgrad import _core
from rankgrad._frameworks import Results
from rankgrad._frameworks import _jax_problems as problems
from rankgrad._frameworks._jax_calls import Arrays, how, is_traced, to_numpy
from rankgrad._frameworks._jax_problems import ListsProblem, Problem
from rankgrad._loss import RankingLoss
from rankgrad.implicit import ImplicitLoss
from rankgrad.objective import Objective
from rankgrad.ranking_softmax import RankingSoftmaxLoss

__all__ = ["evaluate", "how"]

_NO_SECOND = (
    "second derivatives of {} are not known; pass jax.lax.stop_gradient(scores) where none are wanted, "
    "or reduce the values by the loss itself"
)


def evaluate(function: Callable[..., Results], owner: Any, mode: int, scores: Arrays, *constants: Any) -> Results:
    """The evaluation's results as JAX arrays of the scores' own types."""
    scores = tuple(x if is_traced(x) else jnp.asarray(x) for x in scores)
    if isinstance(owner, str):
        return _metric(function, owner, mode, scores, constants)
    _check(owner, scores, constants)
    if not any(map(is_traced, jax.tree.leaves((scores, constants), is_leaf=problems.is_whole))):
        results = _at_once(function, owner, mode, scores, constants)
    else:
        common = jnp.result_type(*scores)
        wide = tuple(_cast(x, np.dtype(np.float32) if common.itemsize < 4 else common) for x in scores)
        if isinstance(owner, RankingSoftmaxLoss):
            results = _softmax(owner, mode, wide[0], *constants)
        elif isinstance(owner, ImplicitLoss):
            results = _implicit(function, owner, mode, wide, *constants)
        else:
            results = _lists(owner, mode, wide[0], *constants)
    value, *derivatives = results
    own = [x.dtype for x in scores]
    return _typed(value, own), *(_typed(each, own) for each in derivatives)


def _typed(x: Any, dtypes: list[Any]) -> Any:
    if isinstance(x, tuple):
        return tuple(map(_cast, x, dtypes))
    return None if x is None else _cast(x, dtypes[0])


def _cast(x: Any, dtype: Any) -> Any:
    """In eager derivatives each step takes JAX a millisecond, those that change nothing too."""
    if not is_traced(x):
        return jnp.asarray(x, dtype)
    return x if x.dtype == dtype else x.astype(dtype)


def _check(owner: Any, scores: Arrays, constants: Arrays) -> None:
    """What JAX arrays are not taken for, which NumPy's are."""
    softmax, implicit = isinstance(owner, RankingSoftmaxLoss), isinstance(owner, ImplicitLoss)
    first = "logits" if softmax else "positive_scores" if implicit else "scores (y_pred)"
    for x, name in zip(scores, (first, getattr(owner, "_negative_name", "")), strict=False):
        if not jnp.issubdtype(x.dtype, np.floating):
            raise TypeError(f"{name}: floating-point numbers are wanted of JAX arrays, got {x.dtype}")
    if softmax:
        out, labels = None, constants[0]
    elif implicit:
        out, labels = constants[2].get("out"), None
    elif isinstance(owner, Objective):
        out, labels = constants[1], owner._source and owner._source.labels
    else:
        y = constants[0].y_true
        out, labels = constants[2], y.get("labels") if isinstance(y, dict) else y
    if out is not None:
        raise TypeError("out: JAX arrays cannot be written to; take what the call returns")
    if labels is not None and not isinstance(labels, jax.Array):
        problems.exact(problems.as_labels(labels, "labels" if softmax else "labels (y_true)"))


def _at_once(
    function: Callable[..., Results], owner: Any, mode: int, scores: Arrays, constants: Arrays
) -> Results:
    constants = jax.tree.map(to_numpy, constants, is_leaf=problems.is_whole)
    return function(owner, mode, tuple(map(np.asarray, scores)), *constants)


def _metric(
    function: Callable[..., Results], name: str, mode: int, scores: Arrays, constants: Arrays
) -> Results:
    """Its value; the derivative is 0 wherever there is one."""
    dtype = jax.dtypes.canonicalize_dtype(np.float64)
    if not any(map(is_traced, jax.tree.leaves((scores, constants), is_leaf=problems.is_whole))):
        return jnp.asarray(_at_once(function, name, mode, scores, constants)[0], dtype), None, None
    problem = problems.OtherProblem(function, name, mode, scores, constants)
    return problem.kernel(mode, jax.lax.stop_gradient(scores), problem.data, value_dtype=dtype)[0], None, None


def _lists(owner: Any, mode: int, x: Any, *constants: Any) -> Results:
    """A loss with its data, or bound to them."""
    vector, least = None, 0.0
    if isinstance(owner, RankingLoss):
        data, cotangent, _, n_threads, iteration = constants
        problem = problems.of_loss(owner, data, n_threads, iteration, owner._bind)
    else:
        cotangent, _, n_threads, iteration, *others = constants
        vector, least = (*others, *(vector, least)[len(others) :])
        problem = problems.of_objective(owner, n_threads, iteration, least)
    problem.check(x, cotangent, vector)
    if vector is not None:
        vector = jnp.asarray(vector, x.dtype).reshape(x.shape)
    return _results(problem, mode, (x,), cotangent, vector)


def _softmax(
    owner: RankingSoftmaxLoss,
    mode: int,
    x: Any,
    labels: Any,
    where: Any,
    weights: Any,
    reduction: Any,
    reduce_fn: Any,
    nan: str,
    n_threads: Any,
) -> Results:
    """Rows of a SoftmaxLoss, with logits, labels, `where` and weights broadcast against each other."""
    problem, custom = problems.of_softmax(owner, mode, x, labels, where, weights, reduction, reduce_fn, nan, n_threads)
    shape = problem.objective.shape
    value, *derivatives = _results(problem, mode, (jnp.broadcast_to(x, shape),), None, None)
    if custom is not None:
        if is_traced(where):
            raise ValueError("reduce_fn: with `where` traced the number of its values is not known; pass reduction=")
        value = custom(value.reshape(-1)[np.flatnonzero(problem.objective._core.lists_with_items())])
    back = jax.linear_transpose(lambda v: jnp.broadcast_to(v, shape), jax.ShapeDtypeStruct(x.shape, x.dtype))
    grad, hess = (None if d is None else back(d)[0] for d in derivatives)
    return value, grad, hess


def _implicit(
    function: Callable[..., Results],
    owner: ImplicitLoss,
    mode: int,
    scores: Arrays,
    num_items: Any,
    items: Any,
    options: dict[str, Any],
) -> Results:
    cotangent = options.get("cotangent")
    options = {key: x for key, x in options.items() if key != "cotangent"}

    def with_cotangent(constants: Arrays, cotangent: Any) -> Arrays:
        return *constants[:2], {**constants[2], "cotangent": cotangent}

    constants = (num_items, items, options)
    problem = problems.OtherProblem(function, owner, mode, scores, constants, with_cotangent, cotangent)
    problem.unreduced = options.get("reduction", owner.reduction) == "none"
    return _results(problem, mode, scores, cotangent, None)


def _results(problem: Problem, mode: int, scores: Arrays, cotangent: Any, vector: Any) -> Results:
    """What the mode gives, with its derivatives or their refusal."""
    data = problem.data
    if cotangent is not None:
        cotangent = jnp.asarray(to_numpy(cotangent))
    if mode == _core.VALUE:
        return (_values if problem.unreduced else _value)(problem, scores, data), None, None
    if mode == _core.HESS_VECTOR:
        return None, _hess_product(problem, scores, data, cotangent, vector), None
    if mode == _core.VALUE_GRAD and not problem.unreduced:
        value, grads = _value_and_grad(problem, scores, data)
        if cotangent is not None:
            grads = tuple(_cast(g * cotangent, g.dtype) for g in grads)
        return value, _as_scores(grads), None
    parts = _without_derivative(problem, lambda *a: problem.kernel(mode, *a))(scores, data, cotangent)
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
            raise NotImplementedError(_NO_SECOND.format("implicit losses"))
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
        kernel = _without_derivative(problem, lambda *a: problem.kernel(_core.VALUE_GRAD, *a))
        return tuple(kernel(*kept, cotangent)[1:]), None

    values.defvjp(lambda scores, data: (values(scores, data), (scores, data)), back)
    return values(scores, data)


def _hess_product(problem: Problem, scores: Arrays, data: Arrays, cotangent: Any, vector: Any) -> Any:
    """H v, which is linear in v and its own transpose: JAX has such a thing as the solution x of H^-1 x = v."""

    def inverse(x: Any) -> Any:
        return _without_derivative(problem, lambda x, scores: x, "Hessians")(x, scores)

    def product(_: Any, v: Any) -> Any:
        return problem.kernel(_core.HESS_VECTOR, scores, data, cotangent, v)[0]

    return jax.lax.custom_linear_solve(inverse, vector, product, symmetric=True)


def _without_derivative(problem: Problem, function: Callable[..., Any], what: str = "") -> Callable[..., Any]:
    """The function; an error where it is differentiated by its scores."""
    what = what or ("unreduced values" if problem.unreduced else "values with a Hessian")

    @jax.custom_jvp
    def call(*arguments: Any) -> Any:
        return function(*arguments)

    @call.defjvp
    def _(primals: Arrays, tangents: Arrays) -> Any:
        raise NotImplementedError(_NO_SECOND.format(what))

    return call


def _dot(grads: Arrays, tangents: Arrays) -> Any:
    return reduce(operator.add, map(jnp.vdot, grads, tangents))
