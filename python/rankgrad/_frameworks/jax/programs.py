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
from rankgrad._frameworks import Results
from rankgrad._frameworks.jax.arrays import Arrays, is_traced, to_numpy
from rankgrad._silent_zeros import QUIET

_TARGET = "rankgrad_objective"

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


def run(host: Host, text: str | None, operands: Sequence[Any], results: Sequence[Any]) -> Arrays:
    """The results of `host`; by the core itself if there is a text for it. With nothing traced, at once."""
    traced = tuple(is_traced(x) for x in operands)
    if not any(traced):
        return tuple(jax.numpy.asarray(x) for x in host(*map(to_numpy, operands)))
    if text is not None and why_callbacks() is None:
        return tuple(ffi.ffi_call(_TARGET, tuple(results), vmap_method="expand_dims")(*operands, call=text))
    known = [
        None if is_known_later else np.asarray(x) for x, is_known_later in zip(operands, traced, strict=True)
    ]
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


def _in_batches(host: Host, ranks: Sequence[int], results: Sequence[Any], arrays: Sequence[Any]) -> Arrays:
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


def wanted(results: Results, mode: int) -> list[Any]:
    """The arrays of the mode, in a row."""
    parts = {_core.VALUE: results[:1], _core.VALUE_GRAD: results[:2], _core.HESS_VECTOR: results[1:2]}
    wanted = parts.get(mode, results[1:])
    return [x for part in wanted for x in (part if isinstance(part, tuple) else (part,))]
