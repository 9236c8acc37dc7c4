"""Array in, same array out: every call that takes scores goes through `same_array_out`, whatever library they are of.

A library whose arrays are not simply made NumPy's has a module here, a member: its `evaluate` takes what an evaluation
takes and is given the evaluation itself first, which it calls with NumPy's arrays. The kind of the scores decides; all
other arguments are constants.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

import numpy as np

Results = tuple[Any, Any, Any]
"""Value, gradient and Hessian (or its product with a vector); None for what the mode does not give."""

_NUMPY = np.ndarray
_Evaluation = TypeVar("_Evaluation", bound=Callable[..., Results])

#: Top-level package of a type of arrays -> the module of its member, imported when such an array comes.
MEMBERS: dict[str, str] = {
    "torch": "rankgrad._frameworks.torch",
    "tensorflow": "rankgrad._frameworks.tensorflow",
}


def same_array_out(evaluate: _Evaluation) -> _Evaluation:
    """The evaluation, for scores of every library.

    It takes its owner (a loss, an objective; the name of a metric, which has values only), a mode of the core, a tuple
    of scores, which have a gradient each, and its constants, all by position: a bound call is to cost next to nothing.
    """

    @functools.wraps(evaluate)
    def call(*arguments: Any) -> Results:
        for x in arguments[2]:
            kind: Any = type(x)
            if kind is not _NUMPY and _has_member(kind):
                results: Results = _FOUND[kind].evaluate(evaluate, *arguments)
                return results
        return evaluate(*arguments)

    return call  # type: ignore[return-value]


#: The members of the types of arrays that came; None where NumPy takes them.
_FOUND: dict[Any, Any] = {}


def _has_member(kind: Any) -> bool:
    """Whether arrays of this type have a member, which is in `_FOUND` then."""
    if kind not in _FOUND:
        packages = (str(base.__module__).partition(".")[0] for base in kind.__mro__)
        name = next((MEMBERS[package] for package in packages if package in MEMBERS), None)
        _FOUND[kind] = None if name is None else import_module(name)
    return _FOUND[kind] is not None


_has_member._dynamo_marked_constant = True  # type: ignore[attr-defined]  # torch.compile asks, and does not trace it
