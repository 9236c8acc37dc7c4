"""exp, log and log1p of the kernels, in units of the last place, at every instruction-set level."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from rankgrad import _core

from reference import Array

pytestmark = pytest.mark.usefixtures("isa")

#: The bounds that vector_math.hpp states.
ULPS = {"exp": 1.5, "exp_inside": 3.0, "log": 2.0, "log1p": 2.5}

N = 200_000


def arguments(name: str, dtype: type[np.floating[Any]], rng: np.random.Generator) -> Array:
    """Random over the whole range and dense where the functions are delicate, with the edges."""
    info = np.finfo(dtype)
    if name == "exp_inside":
        high = 86.0 if dtype == np.float32 else 706.0
        dense = [rng.uniform(-high, high, N), rng.normal(0, 1, N), np.array([0.0, -high, high])]
    elif name == "exp":
        low, high = np.log(float(info.tiny)), np.log(float(info.max))
        dense = [
            rng.uniform(low, high, N),
            rng.normal(0, 1, N),
            rng.normal(0, 1e-4, N),
            np.array([0.0, low, high]),
        ]
    else:
        top = float(info.maxexp)
        dense = [
            2 ** rng.uniform(info.minexp + 1, top - 1, N),
            np.abs(1 + rng.normal(0, 1e-3, N)),
            rng.uniform(0.4, 3, N),
            np.array([1.0, 2.0, 0.5, float(info.tiny), float(info.max)]),
        ]
        if name == "log1p":
            dense += [10 ** rng.uniform(-20, 0, N), np.array([0.0, float(info.eps), float(info.eps) / 2])]
    return np.concatenate(dense).astype(dtype)


@pytest.mark.skipif(
    np.finfo(np.longdouble).nmant < 63, reason="needs a long double of 64 bits to measure against"
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ULPS)
def test_error_in_units_of_the_last_place(
    name: str, dtype: type[np.floating[Any]], rng: np.random.Generator
) -> None:
    x = arguments(name, dtype, rng)
    exact = getattr(np, name.removesuffix("_inside"))(x.astype(np.longdouble))
    in_range = np.abs(exact) < np.finfo(dtype).max
    x, exact = x[in_range], exact[in_range]
    ulp = np.spacing(np.maximum(np.abs(exact).astype(dtype), np.finfo(dtype).tiny))
    error = np.abs(_core.vector_math(name, x).astype(np.longdouble) - exact) / ulp
    worst = int(np.argmax(error))
    assert error[worst] <= ULPS[name], f"{name}({x[worst]!r})"


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_edges_of_exp(dtype: type[np.floating[Any]]) -> None:
    x = np.array([-np.inf, -1e30, -800, 0.0, -0.0, 800, 1e30, np.inf], dtype=dtype)
    assert _core.vector_math("exp", x).tolist() == [0, 0, 0, 1, 1, np.inf, np.inf, np.inf]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_exact_values_of_the_logarithms(dtype: type[np.floating[Any]]) -> None:
    assert _core.vector_math("log", np.array([1.0], dtype=dtype)).tolist() == [0.0]
    assert _core.vector_math("log1p", np.array([0.0], dtype=dtype)).tolist() == [0.0]
    tiny = np.array([np.finfo(dtype).eps / 4, 1e-30], dtype=dtype)
    np.testing.assert_array_equal(_core.vector_math("log1p", tiny), tiny)


def test_every_length_is_covered(rng: np.random.Generator) -> None:
    """The last, partial register too; and nothing is written beyond the end."""
    x = rng.normal(0, 3, 70)
    whole = _core.vector_math("exp", x)
    for n in range(70):
        np.testing.assert_array_equal(_core.vector_math("exp", x[:n].copy()), whole[:n])
