"""Objective: a loss bound to labels, lists and weights, to be called with new scores again and again."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rankgrad import _core
from rankgrad._arrays import Array, as_scores, as_weights
from rankgrad._options import check_choice, real, whole
from rankgrad._reductions import Weights, divisor_of

_CURVATURES = {"exact": _core.GRAD_HESS, "positive": _core.GRAD_POSITIVE_HESS}


class Objective:
    """A loss bound to data; made by ``loss.bind(labels, ...)``.

    Labels do not change between the iterations of an optimizer, so everything that they fix (order, levels, schedule,
    scratch memory) is made once. A call allocates its results and nothing else, or nothing at all with ``out=``.

    Every method takes ``scores`` of the bound shape, or the same data raveled to 1-D, and answers in the shape given
    and in the dtype of the scores (integers give float64, half precision float32). The value is a Python float, or an
    array for reduction "none".

    Common arguments
    ----------------
    cotangent
        The derivatives are those of ``sum(cotangent * value)``: an array like the value for reduction "none" (ones if
        None), a number for the others.
    out
        One array per array result (a tuple where there are several): the dtype and shape of the result, C-contiguous,
        writeable, not overlapping the scores.
    n_threads
        Threads for this call; ``None`` takes :func:`rankgrad.threads`' setting. Never changes a bit of the results.

    Raises
    ------
    ValueError
        For scores of another shape, NaN or infinite scores of valid items (unless the loss has ``nan="propagate"``),
        and unusable ``out``; nothing has been written then.
    TypeError
        For scores that are not numbers.
    """

    __slots__ = (
        "_core",
        "_dtype",
        "_item_weight",
        "_raising",
        "_raveled",
        "_reduction",
        "_scale",
        "_shape",
        "_size",
        "_values_shape",
        "_weights",
    )

    def __init__(
        self,
        core: Any,
        shape: tuple[int, ...],
        values_shape: tuple[int, ...],
        weights: Weights,
        reduction: str | None,
        raising: bool,
        dtype: Any = None,
        raveled: bool = True,
    ) -> None:
        self._core = core
        self._shape = shape
        self._size = math.prod(shape)
        self._values_shape = values_shape
        self._weights = weights
        self._reduction = reduction
        self._raising = raising
        self._dtype = dtype
        self._raveled = raveled
        divisor = divisor_of(reduction, weights, math.prod(values_shape), core)
        self._scale = weights.scalar / divisor if divisor != 0 else 0.0

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the bound labels."""
        return self._shape

    @property
    def pairs_per_list(self) -> Array:
        """Pairs that each list contributes, float64 of shape (n_lists,). ValueError for a loss without pairs."""
        pairs: Array = self._core.pairs()
        return pairs

    def value(
        self, scores: Any, *, cotangent: Any = None, out: Array | None = None, n_threads: int | None = None
    ) -> Any:
        """The reduced loss, or the unreduced values for reduction "none"; `cotangent` does not change a value."""
        x = self._scores(scores)
        self._with_cotangent(cotangent)
        if self._reduction is None:
            return self._values(_core.VALUE, x, n_threads, self._values_out(out, x))
        if out is not None:
            raise ValueError("out: the value of a reduced loss is a number, not an array")
        return self._evaluate(_core.VALUE, x, None, self._weights.item, self._scale, n_threads)

    def value_and_grad(
        self, scores: Any, *, cotangent: Any = None, out: Any = None, n_threads: int | None = None
    ) -> tuple[Any, Array]:
        """The value and its gradient with respect to the scores. For reduction "none" `out` is a pair of arrays."""
        x = self._scores(scores)
        item, per_list, scale = self._with_cotangent(cotangent)
        if self._reduction is not None or not self._values_shape:
            grad = np.empty(x.shape, x.dtype) if out is None else self._checked_out(out, x, item, per_list)
            value = self._evaluate(
                _core.VALUE_GRAD, x, None, item, scale, n_threads, grad=grad, per_list=per_list
            )
            if cotangent is not None:
                value = self._evaluate(_core.VALUE, x, None, self._weights.item, self._scale, n_threads)
            return value, grad
        if out is None:
            values, grad = None, np.empty(x.shape, x.dtype)
        else:
            values, grad = self._pair(out)
            values, grad = self._values_out(values, x), self._checked_out(grad, x, values, item, per_list)
        self._evaluate(_core.VALUE_GRAD, x, None, item, scale, n_threads, grad=grad, per_list=per_list)
        return self._values(_core.VALUE, x, n_threads, values), grad

    def grad_and_hess(
        self,
        scores: Any,
        *,
        cotangent: Any = None,
        out: tuple[Array, Array] | None = None,
        n_threads: int | None = None,
        curvature: str = "exact",
        min_hessian: float = 0.0,
    ) -> tuple[Array, Array]:
        """The gradient and the diagonal of the Hessian.

        ``curvature="positive"`` gives each pair a curvature that is never negative instead of the second derivative:
        1 per active pair for the hinge, p q for the soft zero-one loss. With ``min_hessian > 0`` the Hessians of valid
        items are raised to at least that. Both are for Newton steps, as boosting takes them.
        """
        check_choice(curvature, "curvature", tuple(_CURVATURES))
        x = self._scores(scores)
        item, per_list, scale = self._with_cotangent(cotangent)
        if out is None:
            grad, hess = np.empty(x.shape, x.dtype), np.empty(x.shape, x.dtype)
        else:
            grad, hess = self._pair(out)
            grad = self._checked_out(grad, x, item, per_list)
            hess = self._checked_out(hess, x, grad, item, per_list)
        floor = real(min_hessian, "min_hessian", "a finite number of at least 0", low=0.0) or -np.inf
        mode = _CURVATURES[curvature]
        self._evaluate(
            mode, x, None, item, scale, n_threads, grad=grad, hess=hess, floor=floor, per_list=per_list
        )
        return grad, hess

    def hessp(
        self,
        scores: Any,
        vector: Any,
        *,
        cotangent: Any = None,
        out: Array | None = None,
        n_threads: int | None = None,
    ) -> Array:
        """The full Hessian times `vector` (shaped like the scores), without forming the Hessian."""
        x = self._scores(scores)
        v = as_scores(vector, "vector", x.dtype)
        if v.shape not in (self._shape, (self._size,)):
            raise ValueError(f"vector: shape {v.shape} does not match the scores' shape {x.shape}")
        if self._raising:
            bad = self._core.first_nonfinite(v)
            if bad >= 0:
                raise ValueError(
                    f"vector: NaN or infinity at {self._core.place(bad)}; finite numbers are wanted"
                )
        item, per_list, scale = self._with_cotangent(cotangent)
        result = np.empty(x.shape, x.dtype) if out is None else self._checked_out(out, x, v, item, per_list)
        self._evaluate(_core.HESS_VECTOR, x, v, item, scale, n_threads, grad=result, per_list=per_list)
        return result

    def _scores(self, scores: Any) -> Array:
        x = as_scores(scores, "scores (y_pred)", self._dtype)
        if x.shape != self._shape and not (self._raveled and x.shape == (self._size,)):
            raise ValueError(
                f"scores (y_pred): shape {x.shape} does not match the labels' shape {self._shape}"
            )
        return x

    def _evaluate(
        self,
        mode: int,
        x: Array,
        vector: Array | None,
        item: Array | None,
        scale: float,
        n_threads: int | None,
        *,
        grad: Array | None = None,
        hess: Array | None = None,
        values: Array | None = None,
        floor: float = -np.inf,
        per_list: Array | None = None,
    ) -> float:
        if per_list is None:
            per_list = self._weights.per_list
        threads = 0 if n_threads is None else check_threads(n_threads)
        value: float = self._core.evaluate(
            mode, x, vector, item, per_list, scale, floor, self._raising, threads, values, grad, hess
        )
        return value

    def _values(self, mode: int, x: Array, n_threads: int | None, values: Array | None) -> Any:
        """Unreduced values times their weights."""
        by_item = self._core.values_per_item
        if values is None:
            values = np.empty(x.shape if by_item else self._values_shape, x.dtype)
        self._evaluate(mode, x, None, self._weights.item, self._scale, n_threads, values=values)
        weights = self._weights
        if weights.item is not None and by_item:
            values *= weights.item.reshape(values.shape).astype(x.dtype)
        elif weights.per_list is not None:
            per_list = weights.per_list.astype(x.dtype)
            if by_item:  # a weight that is not finite is none of the items that do not count
                per_list = np.where(self._core.valid(), per_list[self._core.list_of_item()], 0)
            values *= per_list.reshape(values.shape)
        if weights.scalar != 1.0:
            values *= x.dtype.type(weights.scalar)
        return values if values.ndim else float(values)

    def _values_out(self, out: Any, x: Array) -> Array | None:
        if out is None:
            return None
        return self._checked_out(out, x, shape=x.shape if self._core.values_per_item else self._values_shape)

    def _with_cotangent(self, cotangent: Any) -> tuple[Array | None, Array | None, float]:
        """Item weights, list weights and scale with the cotangent multiplied in."""
        weights = self._weights
        if cotangent is None:
            return weights.item, weights.per_list, self._scale
        c = as_weights(cotangent, "cotangent")
        if self._reduction is not None or not self._values_shape:
            if c.ndim != 0:
                raise ValueError(f"cotangent: a number is wanted, got shape {c.shape}")
            return weights.item, weights.per_list, self._scale * float(c)
        if c.size != math.prod(self._values_shape) or c.shape not in (self._values_shape, (c.size,)):
            raise ValueError(
                f"cotangent: shape {c.shape} does not match the values' shape {self._values_shape}"
            )
        flat = c.reshape(-1)
        if not self._core.values_per_item:
            return weights.item, flat if weights.per_list is None else flat * weights.per_list, self._scale
        return flat if weights.item is None else flat * weights.item, weights.per_list, self._scale

    def _checked_out(self, out: Any, x: Array, *others: Array | None, shape: Any = None) -> Array:
        shape = x.shape if shape is None else shape
        if not isinstance(out, np.ndarray) or isinstance(out, np.ma.MaskedArray):
            raise TypeError(f"out: a NumPy array is wanted, got {type(out).__name__}")
        if out.dtype != x.dtype or out.shape != shape:
            raise ValueError(
                f"out: {x.dtype} of shape {shape} is wanted, got {out.dtype} of shape {out.shape}"
            )
        if not (out.flags.c_contiguous and out.flags.aligned and out.flags.writeable):
            raise ValueError("out: must be C-contiguous, aligned and writeable")
        if any(other is not None and np.may_share_memory(out, other) for other in (x, *others)):
            raise ValueError("out: overlaps the memory of another argument")
        return out

    def _pair(self, out: Any) -> tuple[Any, Any]:
        if not isinstance(out, tuple) or len(out) != 2:
            raise TypeError(f"out: a tuple of two arrays is wanted, got {type(out).__name__}")
        return out


def check_threads(n_threads: Any) -> int:
    """A number of threads of at least 1."""
    return whole(n_threads, "n_threads", 1, 4096)
