"""Array in, same array out: every call that takes scores goes through `same_array_out`, whatever library they are of.

A library whose arrays are not simply made NumPy's has a module here, a member: its `evaluate` takes what an evaluation
takes and is given the evaluation itself first, which it calls with NumPy's arrays. The kind of the scores decides; all
other arguments are constants.

Containers of ragged lists have a member, too, which hands on what they hold as flat arrays, NumPy's or another
member's; labels and other constants are asked for their lists by `lists_of`.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, TypeVar

import numpy as np

Results = tuple[Any, Any, Any]
"""Value, gradient and Hessian (or its product with a vector); None for what the mode does not give."""

_NUMPY = np.ndarray
_Evaluation = TypeVar("_Evaluation", bound=Callable[..., Results])

#: The member of what may be a container of lists; it looks at the very object and not only at its type.
CONTAINERS = "rankgrad._frameworks.ragged"

#: Package of a type of arrays -> the module of its member, imported when such an array comes.
MEMBERS: dict[str, str] = {
    "torch": "rankgrad._frameworks.torch",
    "torch.nested": CONTAINERS,
    "jax": "rankgrad._frameworks.jax",
    "jaxlib": "rankgrad._frameworks.jax",
    "tensorflow": "rankgrad._frameworks.tensorflow",
    "tensorflow.python.ops.ragged": CONTAINERS,
    "awkward": CONTAINERS,
    "pandas": CONTAINERS,
    "polars": CONTAINERS,
    "pyarrow": CONTAINERS,
}


def same_array_out(evaluate: _Evaluation) -> _Evaluation:
    """The evaluation, for scores of every library.

    It takes its owner (a loss, an objective; the name of a metric, which has values only), a mode of the core, a tuple
    of scores, which have a gradient each, and its constants, all by position: a bound call is to cost next to nothing.
    """

    @functools.wraps(evaluate)
    def call(*arguments: Any) -> Results:
        for x in arguments[2]:
            if type(x) is not _NUMPY:
                member = member_for(arguments[2])
                if member is not None:
                    results: Results = member.evaluate(evaluate, *arguments)
                    return results
                break
        return evaluate(*arguments)

    return call  # type: ignore[return-value]


def how_called() -> dict[str, str]:
    """Of each library that is imported and has more than one way to be called: which one is taken, and why."""
    facts = {}
    for module in dict.fromkeys(MEMBERS.values()):
        name = module.rpartition(".")[2]
        if name in sys.modules and hasattr(member := import_module(module), "how"):
            facts[name] = member.how()
    return facts


def member_for(scores: tuple[Any, ...], containers: bool = True) -> Any:
    """The member that takes these scores, None where NumPy does; containers first, as they may hold any other's."""
    found = None
    for x in scores:
        kind: Any = type(x)
        if kind is _NUMPY or not _has_member(kind):
            continue
        member = _FOUND[kind]
        if member.__name__ != CONTAINERS:
            found = found or member
        elif containers:
            return member
    return found


def lists_of(x: Any, name: str) -> Any:
    """The lists that a container holds, flat and with their offsets; None for what is no such container."""
    kind: Any = type(x)
    if kind is _NUMPY or not _has_member(kind) or _FOUND[kind].__name__ != CONTAINERS:
        return None
    return _FOUND[kind].lists_of(x, name)


#: The members of the types of arrays that came; None where NumPy takes them.
_FOUND: dict[Any, Any] = {}


def _has_member(kind: Any) -> bool:
    """Whether arrays of this type have a member, which is in `_FOUND` then."""
    if kind not in _FOUND:
        name = next((MEMBERS[p] for p in _packages_of(kind) if p in MEMBERS), None)
        if name is None and (issubclass(kind, (list, tuple)) or _gives_arrow(kind)):
            name = CONTAINERS
        _FOUND[kind] = None if name is None else import_module(name)
    return _FOUND[kind] is not None


_has_member._dynamo_marked_constant = True  # type: ignore[attr-defined]  # torch.compile asks, and does not trace it


def _packages_of(kind: Any) -> Iterator[str]:
    """The packages in which the type and its bases are, from the inside out."""
    for base in kind.__mro__:
        package = str(base.__module__)
        while package:
            yield package
            package = package.rpartition(".")[0]


def _gives_arrow(kind: Any) -> bool:
    return hasattr(kind, "__arrow_c_stream__") or hasattr(kind, "__arrow_c_array__")
