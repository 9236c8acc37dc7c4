"""Objective: a loss bound to labels, lists and weights, to be called with new scores again and again."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from rankgrad import _core
from rankgrad._arithmetic import in_default_mode
from rankgrad._arrays import Array, as_scores, as_weights
from rankgrad._options import check_choice, real, whole
from rankgrad._reductions import Weights, divisor_of
from rankgrad._results import pair, refuse_overlaps, result

_SCORE_DTYPES = (np.dtype(np.float32), np.dtype(np.float64))
_converted_scores, _converted_weights = in_default_mode(as_scores), in_default_mode(as_weights)
_CURVATURES = {"exact": _core.GRAD_HESS, "positive": _core.GRAD_POSITIVE_HESS}


class Source(NamedTuple):
    """What a loss was bound to and its core does not keep, for copies and pickles."""

    loss: Any
    labels: Array
    dtype: np.dtype[Any]
    algorithm: str


class Objective:
    """A loss bound to data; made by ``loss.bind(labels, ...)``.

    Labels do not change between the iterations of an optimizer, so everything that they fix (order, levels, schedule,
    scratch memory) is made once. A call allocates its results and nothing else, or nothing at all with ``out=``.

    It can be pickled and copied: it has copies of labels, weights and lists of its own, and a pickle binds anew.

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
        writeable, overlapping neither an argument nor each other.
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
        "_raising",
        "_raveled",
        "_reduction",
        "_scale",
        "_shape",
        "_size",
        "_source",
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
        source: Source | None = None,
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
        self._source = source
        divisor = divisor_of(reduction, weights, math.prod(values_shape), core)
        self._scale = weights.scalar / divisor if divisor != 0 else 0.0

    def __reduce__(self) -> tuple[Any, ...]:
        """Binds anew to the same data: the core is no part of a pickle."""
        if self._source is None:
            raise TypeError("an objective of a call that is over cannot be pickled; bind one")
        core = self._core
        mask = None if core.n_valid == core.n_items else core.valid().view(np.uint8)
        facts = (self._shape, self._values_shape, self._weights, self._reduction, self._raising, self._dtype)
        return _bind_anew, (type(self), self._source, core.offsets(), mask, (*facts, self._raveled))

    def __copy__(self) -> Objective:
        """Another one with the same core, which nothing changes."""
        twin = object.__new__(type(self))
        for name in Objective.__slots__:
            setattr(twin, name, getattr(self, name))
        return twin

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
        self._cotangent(cotangent)
        if self._reduction is not None:
            if out is not None:
                raise ValueError("out: the value of a reduced loss is a number, not an array")
            return self._evaluate(_core.VALUE, x, n_threads)
        _keep_apart(out, scores, cotangent)
        # With the gradient, so that the value has the bits that value_and_grad gives it.
        values, unused = self._values(out, x), np.empty(x.shape, x.dtype)
        total = self._evaluate(_core.VALUE_GRAD, x, n_threads, values=values, grad=unused)
        return total if values is None else values

    def value_and_grad(
        self, scores: Any, *, cotangent: Any = None, out: Any = None, n_threads: int | None = None
    ) -> tuple[Any, Array]:
        """The value and its gradient with respect to the scores. For reduction "none" `out` is a pair of arrays."""
        x = self._scores(scores)
        factors = self._cotangent(cotangent)
        _keep_apart(out, scores, cotangent)
        to_values, to_grad = pair(out, "(value, grad)") if self._has_values() else (None, out)
        values, grad = self._values(to_values, x), result(to_grad, x.shape, x.dtype)
        total = self._evaluate(_core.VALUE_GRAD, x, n_threads, factors, values=values, grad=grad)
        return (total if values is None else values), grad

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
        factors = self._cotangent(cotangent)
        _keep_apart(out, scores, cotangent)
        to_grad, to_hess = pair(out, "(grad, hess)")
        grad, hess = result(to_grad, x.shape, x.dtype), result(to_hess, x.shape, x.dtype)
        least = real(min_hessian, "min_hessian", "a finite number of at least 0", low=0.0)
        self._evaluate(_CURVATURES[curvature], x, n_threads, factors, grad=grad, hess=hess, least=least)
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
        v = _plain_scores(vector, "vector", x.dtype)
        if v.shape not in (self._shape, (self._size,)):
            raise ValueError(f"vector: shape {v.shape} does not match the scores' shape {x.shape}")
        if self._raising:
            bad = self._core.first_nonfinite(v)
            if bad >= 0:
                raise ValueError(
                    f"vector: NaN or infinity at {self._core.place(bad)}; finite numbers are wanted"
                )
        factors = self._cotangent(cotangent)
        _keep_apart(out, scores, cotangent, vector)
        product = result(out, x.shape, x.dtype)
        self._evaluate(_core.HESS_VECTOR, x, n_threads, factors, vector=v, grad=product)
        return product

    def _scores(self, scores: Any) -> Array:
        x = _plain_scores(scores, "scores (y_pred)", self._dtype)
        if x.shape != self._shape and not (self._raveled and x.shape == (self._size,)):
            raise ValueError(
                f"scores (y_pred): shape {x.shape} does not match the labels' shape {self._shape}"
            )
        return x

    def _evaluate(
        self,
        mode: int,
        x: Array,
        n_threads: int | None,
        factors: tuple[Array | None, float] = (None, 1.0),
        *,
        vector: Array | None = None,
        values: Array | None = None,
        grad: Array | None = None,
        hess: Array | None = None,
        least: float = 0.0,
    ) -> float:
        weights = self._weights
        threads = 0 if n_threads is None else check_threads(n_threads)
        value: float = self._core.evaluate(
            mode,
            x,
            vector,
            weights.item,
            weights.per_list,
            self._scale,
            *factors,
            least,
            self._raising,
            threads,
            values,
            grad,
            hess,
        )
        return value

    def _has_values(self) -> bool:
        """Whether the value is an array: unreduced, and not that of a single list."""
        return self._reduction is None and self._values_shape != ()

    def _values(self, out: Any, x: Array) -> Array | None:
        """Where unreduced values go; None for a number."""
        if not self._has_values():
            if out is not None:
                raise ValueError("out: the value of one list is a number, not an array")
            return None
        return result(out, x.shape if self._core.values_per_item else self._values_shape, x.dtype)

    def _cotangent(self, cotangent: Any) -> tuple[Array | None, float]:
        """The cotangent of each unreduced value, and that of a number."""
        if cotangent is None:
            return None, 1.0
        c = _converted_weights(cotangent, "cotangent")
        if not self._has_values():
            if c.ndim != 0:
                raise ValueError(f"cotangent: a number is wanted, got shape {c.shape}")
            return None, float(c)
        if c.size != math.prod(self._values_shape) or c.shape not in (self._values_shape, (c.size,)):
            raise ValueError(
                f"cotangent: shape {c.shape} does not match the values' shape {self._values_shape}"
            )
        return c, 1.0


def _plain_scores(x: Any, name: str, dtype: Any) -> Array:
    """`as_scores`; what needs no arithmetic is spared the change of the floating-point mode."""
    if type(x) is np.ndarray and x.dtype in _SCORE_DTYPES and (dtype is None or dtype is x.dtype):
        flags = x.flags
        if flags.c_contiguous and flags.aligned:
            return x
    return _converted_scores(x, name, dtype)


def _keep_apart(out: Any, scores: Any, cotangent: Any, vector: Any = None) -> None:
    if out is not None:
        refuse_overlaps(out, **{"scores (y_pred)": scores}, cotangent=cotangent, vector=vector)


@in_default_mode
def _bind_anew(
    kind: Any, source: Source, offsets: Array, mask: Array | None, facts: tuple[Any, ...]
) -> Objective:
    labels = source.labels.astype(source.dtype)
    core = source.loss._bind_core(labels, offsets, mask, source.algorithm)
    objective: Objective = kind(core, *facts, source)
    return objective


def source_of(loss: Any, labels: Array, algorithm: str) -> Source:
    """The loss and a private copy of its labels, in the smallest type that holds them to the bit."""
    for dtype in (np.int8, np.int16, np.float32):
        small = labels.astype(dtype)
        if np.array_equal(small.astype(labels.dtype).view(np.uint64), labels.view(np.uint64)):
            return Source(loss, small, labels.dtype, algorithm)
    return Source(loss, labels.copy(), labels.dtype, algorithm)


def check_threads(n_threads: Any) -> int:
    """A number of threads of at least 1."""
    return whole(n_threads, "n_threads", 1, 4096)
