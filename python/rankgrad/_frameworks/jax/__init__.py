"""Scores in JAX: values that are differentiated, compiled and batched as any of its functions.

Where nothing is traced, NumPy's call is made. Otherwise the value has a derivative of its own, the gradient that came
with it from one call of the core; the derivative of that is the Hessian's product. So `grad`, `value_and_grad`, `jvp`
of `grad`, `grad` of `grad`, `jit` and `vmap` work, alone and in each other. Unreduced values have a gradient under a
cotangent, by a second call, and no second derivative, which implicit losses have neither. Metrics are constants.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rankgrad._arrays import as_labels, as_scores
from rankgrad._frameworks import Results
from rankgrad._frameworks.jax import derivatives, lists, others
from rankgrad._frameworks.jax.arrays import Arrays, exact, is_traced, is_whole, struct, to_numpy
from rankgrad._frameworks.jax.calls import how
from rankgrad._frameworks.jax.derivatives import cast
from rankgrad._loss import RankingLoss
from rankgrad.implicit import ImplicitLoss
from rankgrad.objective import Objective
from rankgrad.ranking_softmax import RankingSoftmaxLoss

__all__ = ["evaluate", "how"]


def evaluate(
    function: Callable[..., Results], owner: Any, mode: int, scores: Arrays, *constants: Any
) -> Results:
    """The evaluation's results as JAX arrays of the scores' own types; the metrics' as JAX has float64."""
    scores = tuple(x if is_traced(x) else jnp.asarray(x) for x in scores)
    if isinstance(owner, str):
        return _metric(function, owner, mode, scores, constants)
    _check(owner, scores, constants)
    if not any(map(is_traced, jax.tree.leaves((scores, constants), is_leaf=is_whole))):
        results = _at_once(function, owner, mode, scores, constants)
    else:
        common = jnp.result_type(*scores)
        wide = tuple(cast(x, np.dtype(np.float32) if common.itemsize < 4 else common) for x in scores)
        if isinstance(owner, RankingSoftmaxLoss):
            results = _softmax(owner, mode, wide[0], *constants)
        elif isinstance(owner, ImplicitLoss):
            results = _implicit(function, owner, mode, wide, *constants)
        else:
            results = _lists(owner, mode, wide[0], *constants)
    value, *others = results
    own = [x.dtype for x in scores]
    return _typed(value, [jnp.result_type(*own)]), *(_typed(each, own) for each in others)


def _typed(x: Any, dtypes: list[Any]) -> Any:
    if isinstance(x, tuple):
        return tuple(map(cast, x, dtypes))
    return None if x is None else cast(x, dtypes[0])


def _check(owner: Any, scores: Arrays, constants: Arrays) -> None:
    """What NumPy's arrays are taken for and JAX's are not."""
    softmax, implicit = isinstance(owner, RankingSoftmaxLoss), isinstance(owner, ImplicitLoss)
    first = "logits" if softmax else "positive_scores" if implicit else "scores (y_pred)"
    for x, name in zip(scores, (first, getattr(owner, "_negative_name", "")), strict=False):
        if not jnp.issubdtype(x.dtype, np.floating):
            raise TypeError(f"{name}: floating-point numbers are wanted of JAX arrays, got {x.dtype}")
    places = {Objective: 1, RankingLoss: 2}
    out = constants[2].get("out") if implicit else None
    for kind, place in places.items():
        if isinstance(owner, kind):
            out = constants[place]
    if out is not None:
        raise TypeError("out: JAX arrays cannot be written to; take what the call returns")


def _at_once(
    function: Callable[..., Results], owner: Any, mode: int, scores: Arrays, constants: Arrays
) -> Results:
    """NumPy's call, which checks all; but labels that a program could not hold are refused here, too."""
    numbers = jax.tree.map(to_numpy, constants, is_leaf=is_whole)
    results = function(owner, mode, tuple(map(np.asarray, scores)), *numbers)
    labels = None
    if isinstance(owner, Objective):
        labels = owner._source and owner._source.labels
    elif isinstance(owner, (RankingLoss, RankingSoftmaxLoss)):
        y = constants[0] if isinstance(owner, RankingSoftmaxLoss) else constants[0].y_true
        labels = y["labels"] if isinstance(y, dict) else y
    if labels is not None and not isinstance(labels, jax.Array):
        exact(as_labels(labels, "labels"))
    return results


def _metric(
    function: Callable[..., Results], name: str, mode: int, scores: Arrays, constants: Arrays
) -> Results:
    """Its value; the derivative is 0 wherever there is one."""
    dtype = jax.dtypes.canonicalize_dtype(np.float64)
    if not any(map(is_traced, jax.tree.leaves((scores, constants), is_leaf=is_whole))):
        return jnp.asarray(_at_once(function, name, mode, scores, constants)[0], dtype), None, None
    problem = others.OtherProblem(function, name, mode, scores, constants)
    return problem.kernel(mode, jax.lax.stop_gradient(scores), problem.data, value_dtype=dtype)[0], None, None


def _lists(owner: Any, mode: int, x: Any, *constants: Any) -> Results:
    """A loss with its data, or bound to them."""
    vector: Any = None
    if isinstance(owner, RankingLoss):
        data, cotangent, _, n_threads, iteration = constants
        problem = lists.of_loss(owner, data, n_threads, iteration, owner._bind)
    else:
        cotangent, _, n_threads, iteration, *more = constants
        vector = more[0] if more else None
        problem = lists.of_objective(owner, n_threads, iteration, *more[1:])
    problem.check(x, cotangent, vector)
    if vector is not None:
        vector = cast(vector, x.dtype) if is_traced(vector) else as_scores(vector, "vector", x.dtype)
        vector = vector.reshape(x.shape)
    return derivatives.results(problem, mode, (x,), cotangent, vector)


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
    problem, custom = lists.of_softmax(
        owner, mode, x, labels, where, weights, reduction, reduce_fn, nan, n_threads
    )
    shape = problem.objective.shape
    value, *others = derivatives.results(problem, mode, (jnp.broadcast_to(x, shape),), None, None)
    if custom is not None:
        if is_traced(where):
            raise ValueError(
                "reduce_fn: with `where` traced the number of its values is not known; pass reduction="
            )
        value = custom(value.reshape(-1)[np.flatnonzero(problem.objective._core.lists_with_items())])
    back = jax.linear_transpose(lambda v: jnp.broadcast_to(v, shape), struct(x.shape, x.dtype))
    grad, hess = (None if d is None else back(d)[0] for d in others)
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
    problem = others.OtherProblem(function, owner, mode, scores, constants, with_cotangent, cotangent)
    problem.unreduced = options.get("reduction", owner.reduction) == "none"
    return derivatives.results(problem, mode, scores, cotangent, None)
