"""Settings of the core as text: what a compiled program can hold of a loss, in every process."""

from __future__ import annotations

from typing import Any

import numpy as np


def settings_text(settings: str | tuple[str, dict[str, Any]]) -> str:
    """``(name, {key: value, ...})`` as ``name(key=value, ...)``, which the core reads as the same; None is left out."""
    if isinstance(settings, str):
        return settings
    name, values = settings
    inside = ", ".join(f"{key}={_value_text(value)}" for key, value in values.items() if value is not None)
    return f"{name}({inside})" if inside else name


def _value_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return value
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], dict):
        return settings_text(value)
    return "[" + ", ".join(map(repr, np.asarray(value, np.float64).tolist())) + "]"
