"""`ranking_softmax_loss`: the softmax cross-entropy as a function of arrays of any rank, as braintools has it."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from rankgrad import _core
from rankgrad._arithmetic import in_default_mode
from rankgrad._arrays import Array, as_array, as_labels, as_weights
from rankgrad._checks import check_choice, shown
from rankgrad._data import Data
from rankgrad._frameworks import Results, lists_of, same_array_out
from rankgrad._reductions import NO_WEIGHTS, Weights
from rankgrad._silent_zeros import warn_of_silent_zeros
from rankgrad.listwise import SoftmaxLoss
from rankgrad.objective import Objective, source_of

_Reduce = Callable[..., Any] | None
_Method = TypeVar("_Method", bound=Callable[..., Any])


_OWN_WORDS = {
    "scores (y_pred)": "logits",
    "labels (y_true)": "labels",
    'y_true["labels"]': "labels",
    'y_true["mask"]': "where",
    "sample_weight": "weights",
}


def _in_own_words(method: _Method) -> _Method:
    """Lets errors name the arguments of this function where an objective's name its own."""

    @functools.wraps(method)
    def call(*arguments: Any, **options: Any) -> Any:
        try:
            return method(*arguments, **options)
        except (ValueError, TypeError) as error:
            text = str(error)
            for core_word, own_word in _OWN_WORDS.items():
                text = text.replace(core_word, own_word)
            raise (ValueError if isinstance(error, ValueError) else TypeError)(text) from error

    return call  # type: ignore[return-value]


class RankingSoftmaxLoss:
    r"""Softmax cross-entropy over the last axis, the labels taken as they are.

    .. math:: \ell = -\sum_i w_i y_i \log \frac{e^{s_i}}{\sum_j e^{s_j}}

    over the items of a list that `where` lets through; the others are not in the softmax either.

    Parameters
    ----------
    logits
        Scores, floating-point, shape (..., list_size); or a container of lists (of 1-D arrays, awkward, Arrow, ...),
        as labels, `where` and weights per item then are, too.
    labels
        Multipliers of the log-probabilities, not normalised, negative ones included; broadcast against the
        logits.
    where
        Booleans, broadcast likewise: the valid items. Others never matter, whatever they hold.
    weights
        Multipliers of the labels, broadcast likewise: (..., list_size) per item, (..., 1) per list. They are
        in no divisor.
    reduction
        "mean" over the lists with a valid item, "sum", "none" (one value per list, shape
        ``logits.shape[:-1]``, 0 for lists without a valid item). ``None`` leaves it to `reduce_fn`.
    reduce_fn
        ``np.mean``, ``np.sum`` (or the functions of these names of other array libraries), ``None`` for
        "none", or any function of the array of the values of the lists with a valid item; the last gives
        values only.
    nan
        "propagate": a NaN or infinity in a valid item makes the results of its list NaN. "raise": ValueError.
    n_threads
        Threads for this call.

    Returns
    -------
    float, or an array for "none". With nothing valid, mean and sum are 0.0 and so is the gradient.
    ``.value_and_grad(...)`` gives ``(value, grad)``, ``.grad_and_hess(...)`` the gradient and the diagonal
    Hessian, for
    "none" those of the sum; both shaped like the logits. ``.bind(labels, ...)`` gives a
    :class:`rankgrad.Objective`.

    Raises
    ------
    TypeError
        For logits that are not floating-point.
    ValueError
        For shapes that do not broadcast, `where` that is not boolean, an unknown reduction, and derivatives
        with a `reduce_fn` that is not known.

    Notes
    -----
    Source: braintools 0.3 ``metric.ranking_softmax_loss``, a port of Rax's ``softmax_loss``. Called
    ``rankgrad.ranking_softmax_loss``.

    Examples
    --------
    >>> import numpy as np, rankgrad as rg
    >>> round(rg.ranking_softmax_loss(np.array([2.0, 1.0, 3.0]), np.array([1.0, 0.0, 0.0])), 6)
    1.407606
    """

    def __call__(
        self,
        logits: Any,
        labels: Any,
        *,
        where: Any = None,
        weights: Any = None,
        reduction: str | None = None,
        reduce_fn: _Reduce = np.mean,
        nan: str = "propagate",
        n_threads: int | None = None,
    ) -> Any:
        """The value; see the class."""
        name, custom = _reduction_of(reduction, reduce_fn)
        how = (labels, where, weights, name, nan, n_threads)
        value = self._evaluate(_core.VALUE, (logits,), *how)[0]
        return value if custom is None else self._reduced_by(custom, value, logits, *how[:5])

    def value_and_grad(
        self,
        logits: Any,
        labels: Any,
        *,
        where: Any = None,
        weights: Any = None,
        reduction: str | None = None,
        reduce_fn: _Reduce = np.mean,
        nan: str = "propagate",
        n_threads: int | None = None,
    ) -> tuple[Any, Array]:
        """The value and its gradient with respect to the logits."""
        how = (_known_reduction(reduction, reduce_fn), nan, n_threads)
        return self._evaluate(_core.VALUE_GRAD, (logits,), labels, where, weights, *how)[:2]

    def grad_and_hess(
        self,
        logits: Any,
        labels: Any,
        *,
        where: Any = None,
        weights: Any = None,
        reduction: str | None = None,
        reduce_fn: _Reduce = np.mean,
        nan: str = "propagate",
        n_threads: int | None = None,
    ) -> tuple[Array, Array]:
        """The gradient and the diagonal Hessian with respect to the logits."""
        how = (_known_reduction(reduction, reduce_fn), nan, n_threads)
        return self._evaluate(_core.GRAD_HESS, (logits,), labels, where, weights, *how)[1:]

    @_in_own_words
    def bind(
        self,
        labels: Any,
        *,
        where: Any = None,
        weights: Any = None,
        reduction: str | None = None,
        reduce_fn: _Reduce = np.mean,
        nan: str = "propagate",
    ) -> Objective:
        """An objective for logits of the shape that labels, `where` and weights have together."""
        name = _known_reduction(reduction, reduce_fn)
        return self._bind((), labels, where, weights, name, nan, algorithm="auto")

    def __repr__(self) -> str:
        return "<function rankgrad.ranking_softmax_loss>"

    @_in_own_words
    def _bound(
        self,
        shape: tuple[int, ...],
        labels: Any,
        where: Any,
        weights: Any,
        reduction: str | None,
        nan: str,
        n_threads: int | None,
    ) -> tuple[Any, ...]:
        """As a loss's; its scores are the logits spread to the shape of the objective."""
        bound = self._bind(shape, labels, where, weights, reduction, nan, n_threads=n_threads)
        return bound, None, None, n_threads, 0

    def _of_lists(
        self, labels: Any, where: Any, weights: Any, reduction: str | None, nan: str, n_threads: int | None
    ) -> tuple[Any, ...]:
        """The loss, and the arguments of its call, that a call with logits in a container of lists is."""
        data = Data({"labels": labels, "mask": where}, weights)
        return _loss_of(reduction, nan), data, None, None, n_threads, 0

    @_in_own_words
    @same_array_out
    def _evaluate(self, mode: int, scores: tuple[Any, ...], labels: Any, *how: Any) -> Results:
        x = _logits(scores[0])
        bound, *options = self._bound(x.shape, labels, *how)
        value, *derivatives = bound._evaluate(mode, (_spread(x, bound.shape),), *options)
        grad, hess = (None if d is None else _sum_to(d, x.shape) for d in derivatives)
        return value, grad, hess

    def _reduced_by(self, function: Any, values: Any, logits: Any, *data: Any) -> Any:
        """What the function makes of the values of the lists with a valid item."""
        shape = np.shape(logits) if lists_of(logits, "logits") is None else ()
        some = self._bind(shape, *data)._core.lists_with_items()
        values = np.array([values]) if isinstance(values, float) else values.reshape(-1)
        reduce = in_default_mode(function) if isinstance(values, np.ndarray) else function
        return reduce(values[some])

    @in_default_mode
    def _bind(
        self,
        logits_shape: tuple[int, ...],
        labels: Any,
        where: Any,
        weights: Any,
        reduction: str | None,
        nan: str,
        algorithm: str | None = None,
        n_threads: int | None = None,
    ) -> Objective:
        loss = _loss_of(reduction, nan)
        data = Data({"labels": labels, "mask": where}, weights).flat()
        labels, where = data.y_true["labels"], data.y_true["mask"]
        mask = None if where is None else as_array(where, "where", kinds="fiub")
        require_booleans(mask)
        if data.offsets is not None:
            return loss._bind(data, algorithm)
        y = as_labels(labels, "labels")
        w = None if weights is None else as_weights(weights, "weights")
        shape = _common_shape(logits_shape, y, mask, w)
        flat = np.ascontiguousarray(_spread(y, shape)).reshape(-1)
        valid = (
            None
            if mask is None
            else np.ascontiguousarray(np.broadcast_to(mask, shape)).reshape(-1).view(np.uint8)
        )
        n_lists = math.prod(shape[:-1])
        offsets = np.arange(n_lists + 1, dtype=np.int64) * shape[-1]
        item = NO_WEIGHTS if w is None else Weights(item=np.ascontiguousarray(np.broadcast_to(w, shape)))
        core = loss._bind_core(flat, offsets, valid, "auto", item, n_threads)
        warn_of_silent_zeros(core, "items", flat, valid, offsets, ignoring=False, name="labels")
        source = None if algorithm is None else source_of(flat, algorithm)
        return Objective(loss, core, shape, shape[:-1], source)


ranking_softmax_loss = RankingSoftmaxLoss()


def _loss_of(reduction: str | None, nan: str) -> SoftmaxLoss:
    check_choice(nan, "nan", ("raise", "propagate"))
    return SoftmaxLoss(reduction=reduction, negative_labels="use", nan=nan)


def require_booleans(mask: Any) -> None:
    """Raises ValueError for a mask of NumPy's that holds anything else."""
    if isinstance(mask, np.ndarray) and mask.dtype != np.bool_:
        raise ValueError(f"where: booleans are wanted, got {mask.dtype}")


def require_floats(x: Any) -> None:
    """Raises TypeError for logits of NumPy's that are anything else."""
    if isinstance(x, np.ndarray) and x.dtype.kind != "f":
        raise TypeError(f"logits: floating-point numbers are wanted, got {x.dtype}")


def _logits(logits: Any) -> Array:
    x = as_array(logits, "logits")
    require_floats(x)
    if x.ndim == 0:
        raise ValueError("logits: shape (..., list_size) is wanted, got a number")
    return x


def _spread(x: Array, shape: tuple[int, ...]) -> Array:
    return x if x.shape == shape else np.broadcast_to(x, shape)


def _common_shape(logits_shape: tuple[int, ...], *arrays: Array | None) -> tuple[int, ...]:
    shapes = [logits_shape, *(a.shape for a in arrays if a is not None)]
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        raise ValueError(f"logits, labels, where, weights: shapes {shapes} do not broadcast") from None
    if not shape:
        raise ValueError("labels: shape (..., list_size) is wanted, got a number")
    if logits_shape and logits_shape[-1] != shape[-1]:
        raise ValueError(f"labels: lists of {shape[-1]} items do not match the logits' shape {logits_shape}")
    return shape


def _reduction_of(reduction: Any, reduce_fn: Any) -> tuple[str | None, Any]:
    """The reduction's name among the objective's, or the function that is to reduce the values."""
    if reduction is not None:
        check_choice(reduction, "reduction", ("mean", "sum", "none"))
        return {"mean": "mean_over_lists", "sum": "sum", "none": None}[reduction], None
    if reduce_fn is None:
        return None, None
    if not callable(reduce_fn):
        raise TypeError(f"reduce_fn: a function or None is wanted, got {shown(reduce_fn)}")
    plain = reduce_fn
    while isinstance(plain, functools.partial) and not plain.args and not plain.keywords:
        plain = plain.func
    library = (getattr(plain, "__module__", None) or "").split(".")[0]
    if library in ("numpy", "jax", "jaxlib", "torch", "builtins"):
        if getattr(plain, "__name__", "") == "mean":
            return "mean_over_lists", None
        if getattr(plain, "__name__", "") == "sum":
            return "sum", None
    return None, reduce_fn


def _known_reduction(reduction: Any, reduce_fn: Any) -> str | None:
    name, custom = _reduction_of(reduction, reduce_fn)
    if custom is not None:
        raise ValueError(
            f"reduce_fn: derivatives are known for np.mean, np.sum and None, not for {shown(custom)}; "
            "take the values and combine the derivatives of reduction='none'"
        )
    return name


@in_default_mode
def _sum_to(x: Array, shape: tuple[int, ...]) -> Array:
    """Adds up the axes along which the logits were repeated."""
    if x.shape == shape:
        return x
    x = x.sum(axis=tuple(range(x.ndim - len(shape))))
    repeated = tuple(a for a, n in enumerate(shape) if n == 1 and x.shape[a] != 1)
    return np.asarray(x.sum(axis=repeated, keepdims=True))
