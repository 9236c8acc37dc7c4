"""Arrays of JAX, told apart by whether their numbers are known, and what has their place where they are not."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Arrays = tuple[Any, ...]

#: A shape and a type, of a result to come.
struct: Any = jax.ShapeDtypeStruct

BOUNDARIES = ("groups", "offsets", "qid")


def is_traced(x: Any) -> bool:
    """Whether the numbers are known only when a compiled program runs, or are part of a derivative."""
    return isinstance(x, jax.core.Tracer)


def to_numpy(x: Any) -> Any:
    """A JAX array as NumPy's, or as a number if it is one; anything else as it is."""
    return np.asarray(x)[()] if isinstance(x, jax.Array) else x


def is_whole(x: Any) -> bool:
    """Lists, and dicts without arrays of JAX, are constants as they are."""
    return type(x) is list or (isinstance(x, dict) and not any(isinstance(v, jax.Array) for v in x.values()))


def stand_in(x: Any) -> Any:
    """Numbers of the shape and type that a traced array has; anything else in NumPy's own terms."""
    if not is_traced(x):
        return to_numpy(x)
    dtype = np.dtype(np.float32) if jnp.issubdtype(x.dtype, np.floating) and x.dtype.itemsize < 4 else x.dtype
    if x.ndim == 0 and dtype.kind in "iu":
        return dtype.type(np.iinfo(dtype).max)  # a number of steps, or of items in a catalogue
    return (np.ones if dtype == np.bool_ else np.zeros)(x.shape, dtype)[()]


def bounds_stand_in(name: str, x: Any, n_items: int) -> Any:
    """Boundaries that fit: one list of everything."""
    if not is_traced(x):
        return to_numpy(x)
    if x.dtype.kind not in "iu":
        raise TypeError(f"{name}: integers are wanted of what is traced, got {x.dtype}")
    bounds = np.zeros(x.shape, np.int64)
    if name != "qid" and x.ndim == 1 and x.size > 0:
        bounds[0 if name == "groups" else -1] = n_items
    return bounds


def exact(x: Any, name: str = "labels") -> Any:
    """An array of NumPy in the type that JAX has for it."""
    dtype = jax.dtypes.canonicalize_dtype(x.dtype)
    with np.errstate(all="ignore"):
        cast = x.astype(dtype)
        if x.dtype == dtype or np.array_equal(cast.astype(x.dtype), x, equal_nan=x.dtype.kind == "f"):
            return cast
    raise ValueError(
        f"{name}: {x.dtype} numbers that {dtype} does not hold, which is what JAX has for them: turn on "
        f"jax_enable_x64, or pass {dtype} numbers"
    )


def constant(x: Any) -> Any:
    """In JAX's own type, still NumPy's: within a program a constant of JAX counts as traced."""
    with np.errstate(all="ignore"):
        return np.asarray(x).astype(jax.dtypes.canonicalize_dtype(x.dtype))


def plain(x: Any) -> Any:
    """What is traced, as the core reads it; it has no derivatives."""
    x = jax.lax.stop_gradient(x)
    half = jnp.issubdtype(x.dtype, np.floating) and x.dtype.itemsize < 4
    return x.astype(np.float32) if half else x
