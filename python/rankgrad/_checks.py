"""Options of constructors and calls, checked: the message begins with the name of the option that is wrong."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

#: The smallest positive float.
TINY = math.ulp(0.0)


def shown(x: Any) -> str:
    """`repr(x)`, in a message: short, and there for whatever comes."""
    try:
        text = str(x) if isinstance(x, np.number) else repr(x)
    except Exception:  # an int of thousands of digits raises, and so may whatever a user wrote
        text = f"an object of type {type(x).__name__}"
    text = " ".join(text.split())
    return text if len(text) <= 100 else text[:97] + "..."


def real(
    x: Any, name: str, wanted: str = "a finite number", *, low: float = -math.inf, high: float = math.inf
) -> float:
    """`x` as a finite float from `low` to `high`; it is the float that is compared, not what it was made of."""
    if not _is_a(x, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name}: {wanted} is wanted, got {shown(x)}")
    try:
        number = float(x)
    except OverflowError:
        number = math.inf
    if not (math.isfinite(number) and low <= number <= high):
        raise ValueError(f"{name}: {wanted} is wanted, got {shown(x)}")
    return number


def positive_number(x: Any, name: str) -> float:
    return real(x, name, "a positive number", low=TINY)


def whole(x: Any, name: str, low: int, high: int | None = None, wanted: str = "a whole number") -> int:
    """`x` as an int from `low` to `high`, if there is one."""
    if type(x) is not int and not _is_a(x, (int, np.integer)):  # an int is known at once
        raise TypeError(f"{name}: {wanted} is wanted, got {shown(x)}")
    number = int(x)
    if number < low or (high is not None and number > high):
        bounds = f"at least {low}" if high is None else f"from {low} to {high}"
        raise ValueError(f"{name}: {wanted}, {bounds}, is wanted, got {shown(x)}")
    return number


def whole_or_none(x: Any, name: str, low: int, high: int | None = None) -> int | None:
    return None if x is None else whole(x, name, low, high, "a whole number or None")


def thread_count(x: Any, name: str = "n_threads") -> int:
    """A number of threads as the core takes it, 0 for the default."""
    return 0 if x is None else whole(x, name, 1, 4096)


def flag(x: Any, name: str) -> bool:
    if not isinstance(x, (bool, np.bool_)):
        raise TypeError(f"{name}: True or False is wanted, got {shown(x)}")
    return bool(x)


def check_choice(x: Any, name: str, choices: tuple[str | None, ...]) -> None:
    if not (x is None or isinstance(x, str)) or x not in choices:
        raise ValueError(f"{name}: one of {choices} is wanted, got {shown(x)}")


def _is_a(x: Any, kinds: tuple[type, ...]) -> bool:
    """Booleans are ints to Python, and time differences integers to NumPy; they are no numbers here."""
    return isinstance(x, kinds) and not isinstance(x, (bool, np.timedelta64))


def other_shape(name: str, shape: tuple[int, ...], labels_shape: tuple[int, ...]) -> str:
    """The message for an array whose shape is not that of the labels."""
    flat = len(labels_shape) == 1 and len(shape) > 1
    hint = (
        "; labels that are flat, or in a container of lists, go with scores that are so too" if flat else ""
    )
    return f"{name}: shape {shape} does not match the labels' shape {labels_shape}{hint}"
