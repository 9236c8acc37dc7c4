"""The files of tests/goldens/data: what other libraries gave."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from reference import Array

DATA = Path(__file__).parents[1] / "goldens" / "data"


def load(name: str) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads((DATA / name).read_text())["cases"]
    return cases


def array(value: Any, dtype: DTypeLike = np.float64) -> Array:
    """An array of the data files: numbers, "nan"/"inf" as strings, or {"__shape__": [...]}."""
    if isinstance(value, dict):
        return np.zeros(value["__shape__"], dtype=dtype)
    return np.asarray(value, dtype=np.float64).astype(dtype)


def y_true(case: dict[str, Any], dtype: DTypeLike) -> Any:
    given = case["y_true"]
    if isinstance(given, dict) and "__shape__" not in given:
        return {
            key: np.asarray(value) if key == "mask" else array(value, dtype) for key, value in given.items()
        }
    return array(given, dtype)
