"""Objective: a loss bound to labels, lists and weights, to be called with new scores again and again."""

from __future__ import annotations

import math
import secrets
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import numpy as np

from rankgrad._arithmetic import in_default_mode
from rankgrad._arrays import Array, as_scores, as_weights
from rankgrad._checks import check_choice, other_shape, real, thread_count, whole
from rankgrad._core import GRAD_HESS, GRAD_POSITIVE_HESS, HESS_VECTOR, VALUE, VALUE_GRAD
from rankgrad._frameworks import Results, same_array_out
from rankgrad._results import refuse_overlaps, results

_cotangents = in_default_mode(as_weights)
_CURVATURES = {"exact": GRAD_HESS, "positive": GRAD_POSITIVE_HESS}


#: By name the bound objectives that there are: compiled programs know them by it. No other process has these names.
OBJECTIVES: WeakValueDictionary[str, Objective] = WeakValueDictionary()


def _named(objective: Objective) -> str:
    name = secrets.token_hex(8)
    OBJECTIVES[name] = objective
    return name


class Source(NamedTuple):
    """What a loss was bound to and its core does not keep, for pickles."""

    labels: Array
    dtype: np.dtype[Any]
    algorithm: str


class Objective:
    """A loss bound to data; made by ``loss.bind(labels, ...)``.

    Labels do not change between the iterations of an optimizer, so everything that they fix (order, levels, schedule,
    scratch memory) is made once. A call allocates its results and nothing else, or nothing at all with ``out=``.

    It can be pickled and copied: it has copies of labels, weights and lists of its own, and a pickle binds anew.

    Every method takes ``scores`` of the bound shape, or the same data raveled to 1-D or in a container of the same
    lists, and answers in the shape or container given and in the dtype of the scores (integers give
    float64, half precision float32). The value is a Python float, or an array for reduction "none".

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
    iteration
        Number of the boosting round or training step, from 0 to 2^64 - 1, for which a loss with noise
        (:class:`rankgrad.XENDCGLoss`) draws it; no other loss depends on it. No state: equal calls give equal results.

    Raises
    ------
    ValueError
        For scores of another shape, NaN or infinite scores of valid items (unless the loss has ``nan="propagate"``),
        and unusable ``out``; nothing has been written then.
    TypeError
        For scores that are not numbers.
    """

    __slots__ = (
        "__weakref__",
        "_core",
        "_dtype",
        "_loss",
        "_name",
        "_raising",
        "_shape",
        "_size",
        "_source",
        "_unreduced",
        "_values_shape",
    )

    def __init__(
        self,
        loss: Any,
        core: Any,
        shape: tuple[int, ...],
        values_shape: tuple[int, ...],
        source: Source | None = None,
    ) -> None:
        self._loss = loss
        self._core = core
        self._shape = shape
        self._size = math.prod(shape)
        self._values_shape = values_shape
        self._source = source
        self._dtype = loss.dtype
        self._raising = loss.nan == "raise"
        self._unreduced = (
            loss.reduction in (None, "none") and values_shape != ()
        )  # else the value is a number
        self._name = None if source is None else _named(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """Binds anew to the same data: the core is no part of a pickle."""
        if self._source is None:
            raise TypeError("an objective of a call that is over cannot be pickled; bind one")
        core = self._core
        mask = None if core.n_valid == core.n_items else core.valid().view(np.uint8)
        data = self._source, core.offsets(), mask, core.weights()
        return _bind_anew, (type(self), self._loss, data, (self._shape, self._values_shape))

    def __copy__(self) -> Objective:
        """Itself: nothing changes it."""
        return self

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
        self,
        scores: Any,
        *,
        cotangent: Any = None,
        out: Array | None = None,
        n_threads: int | None = None,
        iteration: int = 0,
    ) -> Any:
        """The reduced loss, or the unreduced values for reduction "none"; `cotangent` does not change a value."""
        return self._evaluate(VALUE, (scores,), cotangent, out, n_threads, iteration)[0]

    def value_and_grad(
        self,
        scores: Any,
        *,
        cotangent: Any = None,
        out: Any = None,
        n_threads: int | None = None,
        iteration: int = 0,
    ) -> tuple[Any, Array]:
        """The value and its gradient with respect to the scores. For reduction "none" `out` is a pair of arrays."""
        return self._evaluate(VALUE_GRAD, (scores,), cotangent, out, n_threads, iteration)[:2]

    def grad_and_hess(
        self,
        scores: Any,
        *,
        cotangent: Any = None,
        out: tuple[Array, Array] | None = None,
        n_threads: int | None = None,
        iteration: int = 0,
        curvature: str = "exact",
        min_hessian: float = 0.0,
    ) -> tuple[Array, Array]:
        """The gradient and the diagonal of the Hessian.

        ``curvature="positive"`` gives each pair a curvature that is never negative instead of the second derivative:
        1 per active pair for the hinge, p q for the soft zero-one loss. With ``min_hessian > 0`` the Hessians of valid
        items are raised to at least that. Both are for Newton steps, as boosting takes them.
        """
        check_choice(curvature, "curvature", tuple(_CURVATURES))
        least = real(min_hessian, "min_hessian", "a finite number of at least 0", low=0.0)
        mode = _CURVATURES[curvature]
        return self._evaluate(mode, (scores,), cotangent, out, n_threads, iteration, None, least)[1:]

    def hessp(
        self,
        scores: Any,
        vector: Any,
        *,
        cotangent: Any = None,
        out: Array | None = None,
        n_threads: int | None = None,
        iteration: int = 0,
    ) -> Array:
        """The full Hessian times `vector` (shaped like the scores), without forming the Hessian."""
        product: Array = self._evaluate(HESS_VECTOR, (scores,), cotangent, out, n_threads, iteration, vector)[
            1
        ]
        return product

    def _bound(self, _shape: tuple[int, ...], *options: Any) -> tuple[Any, ...]:
        """As a loss's: it is an objective."""
        return self, *options

    @same_array_out
    def _evaluate(
        self,
        mode: int,
        scores: tuple[Any, ...],
        cotangent: Any,
        out: Any,
        n_threads: int | None,
        iteration: int,
        vector: Any = None,
        least: float = 0.0,
    ) -> Results:
        x = self._scores(scores[0])
        v = self._vector(vector, x) if mode == HESS_VECTOR else None
        cotangents, factor = (None, 1.0) if cotangent is None else self._cotangent(cotangent)
        if out is not None:
            refuse_overlaps(out, **{"scores (y_pred)": scores[0]}, cotangent=cotangent, vector=vector)
        shape = None
        if self._unreduced and mode in (VALUE, VALUE_GRAD):
            shape = x.shape if self._core.values_per_item else self._values_shape
        values, grad, hess = results(mode, out, shape, x)
        if values is not None and mode == VALUE:  # its bits are those that value_and_grad gives
            mode, grad = VALUE_GRAD, np.empty_like(x)
        total = self._core.evaluate(
            mode,
            x,
            vector=v,
            cotangent=cotangents,
            cotangent_factor=factor,
            min_hessian=least,
            threads=thread_count(n_threads),
            iteration=whole(iteration, "iteration", 0, 2**64 - 1),
            values=values,
            grad=grad,
            hess=hess,
        )
        return (total if values is None else values), grad, hess

    def _scores(self, scores: Any) -> Array:
        x = as_scores(scores, "scores (y_pred)", self._dtype)
        if x.shape != self._shape and (self._source is None or x.shape != (self._size,)):
            raise ValueError(other_shape("scores (y_pred)", x.shape, self._shape))
        return x

    def _vector(self, vector: Any, x: Array) -> Array:
        v = as_scores(vector, "vector", x.dtype)
        if v.shape not in (self._shape, (self._size,)):
            raise ValueError(f"vector: shape {v.shape} does not match the scores' shape {x.shape}")
        if self._raising and (bad := self._core.first_nonfinite(v)) >= 0:
            raise ValueError(f"vector: NaN or infinity at {self._core.place(bad)}; finite numbers are wanted")
        return v

    def _cotangent(self, cotangent: Any) -> tuple[Array | None, float]:
        """The cotangent of each unreduced value, and that of a number."""
        c = _cotangents(cotangent, "cotangent")
        if not self._unreduced:
            if c.ndim != 0:
                raise ValueError(f"cotangent: a number is wanted, got shape {c.shape}")
            return None, float(c)
        if c.size != math.prod(self._values_shape) or c.shape not in (self._values_shape, (c.size,)):
            raise ValueError(
                f"cotangent: shape {c.shape} does not match the values' shape {self._values_shape}"
            )
        return c, 1.0


@in_default_mode
def _bind_anew(
    kind: type[Objective],
    loss: Any,
    data: tuple[Source, Array, Array | None, tuple[Any, Any, Any]],
    facts: tuple[Any, Any],
) -> Objective:
    source, offsets, mask, weights = data
    core = loss._bind_core(source.labels.astype(source.dtype), offsets, mask, source.algorithm, weights)
    return kind(loss, core, *facts, source)


def source_of(labels: Array, algorithm: str) -> Source:
    """A private copy of the labels, in the smallest type that holds them to the bit."""
    for dtype in map(np.dtype, (np.int8, np.int16, np.float32)):
        if dtype.itemsize < labels.itemsize and (small := _narrowed(labels, dtype)) is not None:
            return Source(small, labels.dtype, algorithm)
    return Source(labels.copy(), labels.dtype, algorithm)


def _narrowed(labels: Array, dtype: np.dtype[Any]) -> Array | None:
    """The labels in a smaller type if it holds them to the bit. In blocks that stay in the cache, so that a type that
    does not is soon given up, and Ctrl-C is heard.
    """
    small, bits = np.empty(labels.size, dtype), f"u{labels.itemsize}"
    for begin in range(0, labels.size, 1 << 14):
        block, copy = labels[begin : begin + (1 << 14)], small[begin : begin + (1 << 14)]
        copy[:] = block
        if not np.array_equal(copy.astype(labels.dtype).view(bits), block.view(bits)):
            return None
    return small
