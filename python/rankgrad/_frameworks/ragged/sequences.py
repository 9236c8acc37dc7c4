"""Lists and tuples of 1-D arrays, which may be tensors, and of Python's numbers."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from itertools import chain, pairwise
from typing import Any

import numpy as np

from rankgrad._arrays import Array, as_array
from rankgrad._frameworks.ragged.container import (
    Lists,
    offsets_of_sizes,
    refuse_deeper,
    refuse_null_lists,
    refuse_objects,
)

#: Package of a type of tensors -> the module that joins them, so that they stay in the framework's graph.
_JOINED_BY = {"torch": "torch", "jax": "jax.numpy", "jaxlib": "jax.numpy", "tensorflow": "tensorflow"}


def read(x: Sequence[Any], name: str) -> Lists | None:
    """Lists if they are arrays, or nested numbers of unequal lengths; None for numbers, and rows of equal lengths."""
    if len(x) == 0:
        return None
    if not isinstance(x[0], (list, tuple)):
        return read_arrays(x, name) if is_array(x[0]) else None
    if not all(issubclass(kind, (list, tuple)) for kind in set(map(type, x))):
        return read_arrays(x, name)
    return None if len(set(map(len, x))) == 1 else read_rows(x, name)


def read_rows(x: Any, name: str) -> Lists | None:
    """Nested numbers as lists, also where their lengths are equal; None for what is not nested."""
    if not isinstance(x, (list, tuple)) or not all(isinstance(row, (list, tuple)) for row in x):
        return None
    offsets = offsets_of_sizes([len(row) for row in x])
    items = list(chain.from_iterable(x))
    if any(isinstance(item, (list, tuple)) or is_array(item) for item in items):
        refuse_deeper(name)
    values = as_array(items, name, kinds="fiubO")
    refuse_objects(values, offsets, name)
    return Lists(values, offsets, lambda flat: _kind(x)(split(flat, offsets)))


def read_arrays(x: Sequence[Any], name: str) -> Lists:
    """1-D arrays of one library; a lone one is not copied."""
    refuse_null_lists(np.fromiter((part is None for part in x), np.bool_, len(x)), name)
    libraries = {_joined_by(kind) for kind in set(map(type, x))}
    if len(libraries) > 1:
        raise TypeError(f"{name}: arrays of one library are wanted in {_kind(x).__name__}, got a mixture")
    library = libraries.pop()
    parts = x if library else [_array(part, name, index) for index, part in enumerate(x)]
    for index, part in enumerate(parts):
        if part.ndim != 1:
            shape = tuple(part.shape)
            raise ValueError(f"{name}: list {index} has the shape {shape}; 1-D arrays are wanted")
    offsets = offsets_of_sizes([part.shape[0] for part in parts])
    values = parts[0] if len(parts) == 1 else _joined(parts, library, name)
    if library is None:
        refuse_objects(values, offsets, name)
    return Lists(values, offsets, lambda flat: _kind(x)(split(flat, offsets)))


def split(flat: Any, offsets: Array) -> Sequence[Any]:
    """The lists' parts of flat results, in whatever kind of array these are: views where it has them."""
    library = _joined_by(type(flat))
    if library is None:
        return [flat[begin:end] for begin, end in pairwise(offsets.tolist())]
    # One node of the graph; slices would be as many, each with a gradient of the full length.
    where = offsets[1:-1] if library == "jax.numpy" else np.diff(offsets).tolist()
    parts: Sequence[Any] = import_module(library).split(flat, where)
    return parts


def _joined(parts: Sequence[Any], library: str | None, name: str) -> Any:
    if library == "torch":
        return import_module(library).cat(list(parts))
    if library == "tensorflow":
        return import_module(library).concat(list(parts), 0)
    try:
        return (np if library is None else import_module(library)).concatenate(parts)
    except TypeError as error:
        raise TypeError(f"{name}: the arrays have no common type: {error}") from error


def _array(part: Any, name: str, index: int) -> Array:
    return part if type(part) is np.ndarray else as_array(part, f"{name}, list {index}", kinds="fiubO")


def _joined_by(kind: Any) -> str | None:
    """The module that joins tensors of this type; None for what NumPy joins."""
    packages = (str(base.__module__).partition(".")[0] for base in kind.__mro__)
    return next((_JOINED_BY[package] for package in packages if package in _JOINED_BY), None)


def is_array(x: Any) -> bool:
    """Whether it is an array of one axis; numbers of NumPy and of frameworks have none."""
    return hasattr(type(x), "__array__") and getattr(x, "ndim", 1) == 1


def _kind(x: Any) -> type:
    return tuple if isinstance(x, tuple) else list
