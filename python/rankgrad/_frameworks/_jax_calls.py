"""How a program of JAX calls the core: by XLA's foreign functions, without Python, or by a callback into Python.

Either way one call has a whole batch of `vmap`: the operands then have the batch's dimensions in front, of size 1 where
they are the same for all.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from rankgrad import _core

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
    try:
        from jax import ffi

        ffi.register_ffi_target(_TARGET, _core.xla_handler(), platform="cpu")
    except Exception as error:  # each version of JAX has its own kind for a version of the interface that it refuses
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    return None


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
    if not any(map(is_traced, operands)):
        return tuple(jax.numpy.asarray(x) for x in host(*map(to_numpy, operands)))
    if text is None or why_callbacks() is not None:
        ranks = tuple(np.ndim(x) for x in operands)
        in_batches = functools.partial(_in_batches, host, ranks, results)
        return tuple(jax.pure_callback(in_batches, tuple(results), *operands, vmap_method="expand_dims"))
    target = jax.ffi.ffi_call(_TARGET, tuple(results), vmap_method="expand_dims")
    return tuple(target(*operands, call=text))


def to_numpy(x: Any) -> Any:
    """A JAX array as NumPy's, or as a number if it is one; anything else as it is."""
    return np.asarray(x)[()] if isinstance(x, jax.Array) else x


def _in_batches(
    host: Host, ranks: Sequence[int], results: Sequence[jax.ShapeDtypeStruct], *operands: Any
) -> Arrays:
    arrays = [np.asarray(x) for x in operands]
    batches = [x.shape[: x.ndim - rank] for x, rank in zip(arrays, ranks, strict=True)]
    batch = np.broadcast_shapes(*batches)
    out = tuple(np.empty(batch + each.shape, each.dtype) for each in results)
    for slot in np.ndindex(batch):
        own = (
            x[tuple(0 if n == 1 else k for k, n in zip(slot, own_batch, strict=True))]
            for x, own_batch in zip(arrays, batches, strict=True)
        )
        for array, result in zip(out, host(*own), strict=True):
            array[slot] = result
    return out
