"""Every kind of container of lists: how one is made of NumPy arrays, and what arrays are in one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from rankgrad._frameworks import MEMBERS

from reference import Array

Parts = list[Array]


class Kind(NamedTuple):
    """A kind of container."""

    needs: tuple[str, ...]
    """The packages it takes."""
    make: Callable[[Parts], Any]
    opened: Callable[[Any], Parts]
    """The lists in a container of this kind, which has to be one; floats in it have their own type."""
    tensors: bool = False
    """Whether numbers, too, are answered as tensors."""


def _parts(x: Any, kind: type) -> Parts:
    assert type(x) is kind
    assert all(type(part) is np.ndarray for part in x)
    return list(x)


def _arrow(x: Any, kind: str) -> Parts:
    assert type(x).__name__ == kind, type(x)
    dtype = x.type.value_type.to_pandas_dtype()
    return [np.array(part, dtype) for part in x.to_pylist()]


def _arrow_of(list_type: str) -> Callable[[Parts], Any]:
    def make(parts: Parts) -> Any:
        import pyarrow as pa

        kind = getattr(pa, list_type)(pa.from_numpy_dtype(np.result_type(*parts)))
        return pa.array([part.tolist() for part in parts], kind)

    return make


def _arrow_slice(parts: Parts) -> Any:
    """With lists before and behind that are not in it."""
    spare = np.ones(2, parts[0].dtype)
    return _arrow_of("list_")([spare, *parts, spare])[1:-1]


def _arrow_chunks(parts: Parts) -> Any:
    import pyarrow as pa

    whole = _arrow_of("large_list")(parts)
    return pa.chunked_array([whole[:1], whole[:0], whole[1:]])


def _awkward(parts: Parts) -> Any:
    import awkward as ak

    sizes = [len(part) for part in parts]
    return ak.unflatten(ak.from_numpy(np.concatenate(parts)), sizes)


def _awkward_opened(x: Any) -> Parts:
    import awkward as ak

    assert type(x) is ak.Array
    return [np.asarray(part) for part in x]


def _awkward_picked(parts: Parts) -> Any:
    """Lists that lie in their content in another order."""
    return _awkward(parts[::-1])[list(range(len(parts)))[::-1]]


def _awkward_cut(parts: Parts) -> Any:
    return _awkward([np.ones(3, parts[0].dtype), *parts])[1:]


def _awkward_optional(parts: Parts) -> Any:
    import awkward as ak

    return ak.from_arrow(_arrow_of("list_")(parts))


def _polars(parts: Parts) -> Any:
    import polars as pl

    return pl.Series("clicks", [pl.Series(part) for part in parts])


def _polars_chunks(parts: Parts) -> Any:
    spare = np.ones(2, parts[0].dtype)
    return _polars([spare, *parts[:1]]).append(_polars([*parts[1:], spare]))[1:-1]


def _polars_opened(x: Any) -> Parts:
    import polars as pl

    assert type(x) is pl.Series
    assert x.name == "clicks"
    return [part.to_numpy() for part in x]


def _pandas_objects(parts: Parts) -> Any:
    import pandas as pd

    column = np.empty(len(parts), object)
    for row, part in enumerate(parts):
        column[row] = part
    return pd.Series(column, index=np.arange(len(parts)) + 7, name="clicks")


def _pandas_lists(parts: Parts) -> Any:
    return _pandas_objects(parts).map(lambda part: part.tolist())


def _pandas_arrow(parts: Parts) -> Any:
    import pandas as pd

    column = pd.arrays.ArrowExtensionArray(_arrow_chunks(parts))
    return pd.Series(column, index=np.arange(len(parts)) + 7, name="clicks")


def _pandas_opened(x: Any) -> Parts:
    import pandas as pd

    assert type(x) is pd.Series
    assert x.name == "clicks"
    assert x.index.tolist() == list(range(7, 7 + len(x)))
    return [np.asarray(part) for part in x]


def _pandas_arrow_opened(x: Any) -> Parts:
    import pandas as pd

    assert isinstance(x.dtype, pd.ArrowDtype)
    assert str(x.dtype).startswith("large_list")
    dtype = x.dtype.pyarrow_dtype.value_type.to_pandas_dtype()
    return [part.astype(dtype) for part in _pandas_opened(x)]


class Stream:
    """A column of a library that nobody has heard of."""

    def __init__(self, column: Any) -> None:
        self.column = column

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.column.__arrow_c_stream__(requested_schema)


def _stream_opened(x: Any) -> Parts:
    import pyarrow as pa

    assert type(x).__module__.startswith("nanoarrow")
    return _arrow(pa.chunked_array(x), "ChunkedArray")


def _torch_list(parts: Parts) -> Any:
    import torch

    return [torch.tensor(part) for part in parts]


def _jagged(parts: Parts) -> Any:
    import torch

    return torch.nested.nested_tensor(_torch_list(parts), layout=torch.jagged)


def _tf_list(parts: Parts) -> Any:
    import tensorflow as tf

    return [tf.constant(part) for part in parts]


def _tf_ragged(parts: Parts) -> Any:
    import tensorflow as tf

    return tf.RaggedTensor.from_row_lengths(np.concatenate(parts), [len(part) for part in parts])


def _tf_ragged_opened(x: Any) -> Parts:
    import tensorflow as tf

    assert isinstance(x, tf.RaggedTensor)
    return [part.numpy() for part in x]


def _tensors_opened(x: Any) -> Parts:
    assert type(x) is list
    assert not any(isinstance(part, np.ndarray) for part in x)
    return [np.asarray(part) for part in x]


def _jagged_opened(x: Any) -> Parts:
    import torch

    assert x.layout == torch.jagged
    return [part.numpy() for part in x.unbind()]


def _jax_list(parts: Parts) -> Any:
    import jax.numpy as jnp

    return [jnp.asarray(part) for part in parts]


KINDS = {
    "list": Kind((), list, lambda x: _parts(x, list)),
    "tuple": Kind((), tuple, lambda x: _parts(x, tuple)),
    "nested numbers": Kind((), lambda parts: [p.tolist() for p in parts], lambda x: _parts(x, list)),
    "awkward": Kind(("awkward",), _awkward, _awkward_opened),
    "awkward, picked": Kind(("awkward",), _awkward_picked, _awkward_opened),
    "awkward, cut": Kind(("awkward",), _awkward_cut, _awkward_opened),
    "awkward, optional": Kind(("awkward", "pyarrow"), _awkward_optional, _awkward_opened),
    "pyarrow": Kind(("pyarrow",), _arrow_of("list_"), lambda x: _arrow(x, "ListArray")),
    "pyarrow, large": Kind(("pyarrow",), _arrow_of("large_list"), lambda x: _arrow(x, "LargeListArray")),
    "pyarrow, view": Kind(("pyarrow",), _arrow_of("list_view"), lambda x: _arrow(x, "ListArray")),
    "pyarrow, cut": Kind(("pyarrow",), _arrow_slice, lambda x: _arrow(x, "ListArray")),
    "pyarrow, chunks": Kind(("pyarrow",), _arrow_chunks, lambda x: _arrow(x, "ChunkedArray")),
    "polars": Kind(("polars", "nanoarrow"), _polars, _polars_opened),
    "polars, chunks": Kind(("polars", "nanoarrow"), _polars_chunks, _polars_opened),
    "pandas, arrays": Kind(("pandas",), _pandas_objects, _pandas_opened),
    "pandas, lists": Kind(("pandas",), _pandas_lists, _pandas_opened),
    "pandas, Arrow": Kind(("pandas", "pyarrow"), _pandas_arrow, _pandas_arrow_opened),
    "a stream": Kind(("pyarrow", "nanoarrow"), lambda p: Stream(_arrow_chunks(p)), _stream_opened),
    "torch, list": Kind(("torch",), _torch_list, _tensors_opened, tensors=True),
    "torch, jagged": Kind(("torch",), _jagged, _jagged_opened, tensors=True),
    "tensorflow, list": Kind(("tensorflow",), _tf_list, _tensors_opened, tensors=True),
    "tensorflow, ragged": Kind(("tensorflow",), _tf_ragged, _tf_ragged_opened, tensors=True),
}
if "jax" in MEMBERS:
    KINDS["jax, list"] = Kind(("jax",), _jax_list, _tensors_opened, tensors=True)


def kind_of(name: str) -> Kind:
    """The kind; the test is skipped without what it takes."""
    for package in KINDS[name].needs:
        pytest.importorskip(package, reason=f"{name}: {package} is not installed")
    return KINDS[name]
