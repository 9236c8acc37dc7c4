"""How a program of JAX calls the core: by XLA's foreign functions, without Python, or by a callback into Python.

Either way one call has a whole batch of `vmap`: the operands then have the batch's dimensions in front, of size 1 where
they are the same for all.
"""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax import ffi

from rankgrad import _core
from rankgrad._silent_zeros import QUIET

_TARGET = "rankgrad_objective"

Arrays = tuple[Any, ...]
Host = Callable[..., Arrays]
"""NumPy's arrays in and out, those of one place of a batch."""


@functools.cache
def why_callbacks() -> str | None:
    """Why compiled programs come back to Python for the core; None where they call it themselves."""
    if os.environ.get("RANKGRAD_JAX") == "callback":
        return "RANKGRAD_JAX=callback"
    if (backend := jax.default_backend()) != "cpu":
        return f"the backend is {backend}"
    oldest, newest = _core.XLA_MINORS
    for minor in range(newest, oldest - 1, -1):
        try:
            ffi.register_ffi_target(_TARGET, _core.xla_handler(minor), platform="cpu")
            return None
        except Exception as error:  # versions of JAX differ in the kind for an interface that they refuse
            reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return reason


def how() -> str:
    """For `rankgrad.show_versions`."""
    reason = why_callbacks()
    return f"{jax.__version__}, " + (
        "compiled calls by XLA's FFI" if reason is None else f"by callbacks ({reason})"
    )


def is_traced(x: Any) -> bool:
    """Whether the numbers are known only when a compiled program runs, or are part of a derivative."""
    return isinstance(x, jax.core.Tracer)


def call(
    host: Host, text: str | None, operands: Sequence[Any], results: Sequence[jax.ShapeDtypeStruct]
) -> Arrays:
    """The results of `host`; by the core itself if there is a text for it. With nothing traced, at once."""
    traced = tuple(is_traced(x) for x in operands)
    if not any(traced):
        return tuple(jax.numpy.asarray(x) for x in host(*map(to_numpy, operands)))
    if text is not None and why_callbacks() is None:
        return tuple(ffi.ffi_call(_TARGET, tuple(results), vmap_method="expand_dims")(*operands, call=text))
    known = [None if is_known_later else np.asarray(x) for x, is_known_later in zip(operands, traced, strict=True)]
    ranks = [np.ndim(x) for x in itertools.compress(operands, traced)]

    def on_host(*arrays: Any) -> Arrays:  # each operand costs 40 us
        numbers = [np.asarray(x) for x in arrays]
        before = QUIET.set(True)
        try:
            return _in_batches(lambda *own: host(*merged(known, own)), ranks, results, numbers)
        finally:
            QUIET.reset(before)

    given = itertools.compress(operands, traced)
    return tuple(jax.pure_callback(on_host, tuple(results), *given, vmap_method="expand_dims"))


def merged(known: Sequence[Any], others: Sequence[Any]) -> list[Any]:
    """The others, in their order, where None is."""
    rest = iter(others)
    return [next(rest) if x is None else x for x in known]


def to_numpy(x: Any) -> Any:
    """A JAX array as NumPy's, or as a number if it is one; anything else as it is."""
    return np.asarray(x)[()] if isinstance(x, jax.Array) else x


def _in_batches(
    host: Host, ranks: Sequence[int], results: Sequence[jax.ShapeDtypeStruct], arrays: Sequence[Any]
) -> Arrays:
    batches = [x.shape[: x.ndim - rank] for x, rank in zip(arrays, ranks, strict=True)]
    batch = np.broadcast_shapes(*batches)
    if batch == ():
        return host(*arrays)
    out = tuple(np.empty(batch + each.shape, each.dtype) for each in results)
    for slot in np.ndindex(batch):
        own = (
            x[tuple(0 if n == 1 else k for k, n in zip(slot, own_batch, strict=True))]
            for x, own_batch in zip(arrays, batches, strict=True)
        )
        for array, result in zip(out, host(*own), strict=True):
            array[slot] = result
    return out
