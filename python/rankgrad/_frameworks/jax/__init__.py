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
from rankgrad._frameworks.calls import names_of_scores, refuse_out
from rankgrad._frameworks.jax import derivatives, lists
from rankgrad._frameworks.jax.arrays import Arrays, exact, is_traced, is_whole, struct, to_numpy
from rankgrad._frameworks.jax.derivatives import cast
from rankgrad._frameworks.jax.others import OtherProblem
from rankgrad._frameworks.jax.programs import how, why_callbacks
from rankgrad._loss import RankingLoss
from rankgrad.implicit import ImplicitLoss
from rankgrad.objective import Objective
from rankgrad.ranking_softmax import RankingSoftmaxLoss

__all__ = ["evaluate", "how"]

why_callbacks()  # lets programs that were exported find the core, too


def evaluate(
    function: Callable[..., Results], owner: Any, mode: int, scores: Arrays, *constants: Any
) -> Results:
    """The evaluation's results as JAX arrays of the scores' own types; the metrics' as JAX has float64."""
    scores = tuple(x if is_traced(x) else jnp.asarray(x) for x in scores)
    is_metric = isinstance(owner, str)
    if not is_metric:
        _check(owner, scores, constants)
    if isinstance(owner, RankingLoss):
        constants = (constants[0].flat(), *constants[1:])
    own = [x.dtype for x in scores]
    of_value = jax.dtypes.canonicalize_dtype(np.float64) if is_metric else jnp.result_type(*own)
    if not any(map(is_traced, jax.tree.leaves((scores, constants), is_leaf=is_whole))):
        value, *others = _at_once(function, owner, mode, scores, constants)
    elif is_metric:
        problem = OtherProblem(function, owner, mode, scores, constants, of_value)
        value, *others = *problem.kernel(mode, jax.lax.stop_gradient(scores), problem.data), None, None
    else:
        common = np.dtype(np.float32) if of_value.itemsize < 4 else of_value
        value, *others = _traced(function, owner, mode, tuple(cast(x, common) for x in scores), constants)
    return _typed(value, [of_value]), *(_typed(each, own) for each in others)


def _typed(x: Any, dtypes: list[Any]) -> Any:
    if isinstance(x, tuple):
        return tuple(map(cast, x, dtypes))
    return None if x is None else cast(x, dtypes[0])


def _check(owner: Any, scores: Arrays, constants: Arrays) -> None:
    """What NumPy's arrays are taken for and JAX's are not."""
    for name, x in zip(names_of_scores(owner), scores, strict=True):
        if not jnp.issubdtype(x.dtype, np.floating):
            raise TypeError(f"{name}: floating-point numbers are wanted of JAX arrays, got {x.dtype}")
    if isinstance(owner, ImplicitLoss):
        refuse_out(constants[2].get("out"))
    elif isinstance(owner, (Objective, RankingLoss)):
        refuse_out(constants[1 if isinstance(owner, Objective) else 2])


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


def _traced(
    function: Callable[..., Results], owner: Any, mode: int, scores: Arrays, constants: Arrays
) -> Results:
    """The results as functions of the scores, in a program or under a derivative."""
    cotangent = vector = None
    if isinstance(owner, ImplicitLoss):
        other = OtherProblem(function, owner, mode, scores, constants, scores[0].dtype)
        return derivatives.results(other, mode, scores)
    (x,) = scores
    if isinstance(owner, RankingSoftmaxLoss):
        return _softmax(owner, mode, x, constants)
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
    return derivatives.results(problem, mode, scores, cotangent, vector)


def _softmax(owner: RankingSoftmaxLoss, mode: int, x: Any, constants: Arrays) -> Results:
    """With the logits in the shape that they have together with labels, `where` and weights."""
    problem = lists.of_softmax(owner, x, *constants)
    shape = problem.objective.shape
    value, *others = derivatives.results(problem, mode, (jnp.broadcast_to(x, shape),))
    back = jax.linear_transpose(lambda v: jnp.broadcast_to(v, shape), struct(x.shape, x.dtype))
    grad, hess = (None if d is None else back(d)[0] for d in others)
    return value, grad, hess
