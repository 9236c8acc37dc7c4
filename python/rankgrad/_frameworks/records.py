"""What a compiled or exported program keeps of a call: a text, and the arrays and numbers among its arguments.

The text names the loss by its parameters and says where each array and number belongs, so that a program is right in
every process. A bound objective alone is named by a name that no other process knows.
"""

from __future__ import annotations

import ast
import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

import rankgrad
from rankgrad import metrics
from rankgrad._data import Data
from rankgrad._implicit_arguments import Items
from rankgrad._loss import RankingLoss
from rankgrad.implicit import ImplicitLoss
from rankgrad.objective import OBJECTIVES, Objective
from rankgrad.ranking_softmax import RankingSoftmaxLoss

_TUPLES: dict[str, Any] = {"Data": Data, "Items": Items}


@dataclass
class Record:
    """Arguments taken apart: the arrays, numbers of both kinds, and the template into which they go."""

    as_array: Callable[[Any], Any]
    arrays: list[Any] = field(default_factory=list)
    wholes: list[int] = field(default_factory=list)
    reals: list[float] = field(default_factory=list)

    def template(self, x: Any) -> Any:
        """`x` with a place in the lists for each array and number; a literal of Python."""
        if x is None or isinstance(x, (bool, str)):
            return ("is", x)
        if isinstance(x, dict):
            return ("dict", list(x), [self.template(part) for part in x.values()])
        if isinstance(x, (tuple, list)):
            name = type(x).__name__
            return (name, [self.template(part) for part in x])
        if isinstance(x, int):
            return self._place("whole", self.wholes, x)
        if isinstance(x, float):
            return self._place("real", self.reals, x)
        return self._place("array", self.arrays, self.as_array(x))

    @staticmethod
    def _place(kind: str, among: list[Any], x: Any) -> tuple[str, int]:
        among.append(x)
        return kind, len(among) - 1


def rebuilt(template: Any, arrays: Sequence[Any], wholes: Sequence[int], reals: Sequence[float]) -> Any:
    """What the template was made of."""
    kind, *rest = template
    if kind == "is":
        return rest[0]
    if kind in ("array", "whole", "real"):
        return {"array": arrays, "whole": wholes, "real": reals}[kind][rest[0]]
    inside = [rebuilt(part, arrays, wholes, reals) for part in rest[-1]]
    if kind == "dict":
        return dict(zip(rest[0], inside, strict=True))
    if kind == "list":
        return inside
    return _TUPLES[kind](*inside) if kind in _TUPLES else tuple(inside)


@functools.lru_cache(maxsize=256)
def read(text: str) -> tuple[Any, Any, Any]:
    """The function, the owner and the template of a text."""
    name, _, template = text.partition("\n")
    owner = _owner_of(name)
    module = metrics if isinstance(owner, str) else type(owner)
    return module._evaluate.__wrapped__, owner, ast.literal_eval(template)


def name_of(owner: Any) -> str:
    """A text that says which loss or metric this is."""
    if isinstance(owner, str):
        return json.dumps({"metric": owner})
    if isinstance(owner, RankingSoftmaxLoss):
        return json.dumps({"function": "ranking_softmax_loss"})
    kind = type(owner).__name__
    if isinstance(owner, RankingLoss) and getattr(rankgrad, kind, None) is type(owner):
        return json.dumps({"loss": kind, **owner.get_config()})
    if isinstance(owner, ImplicitLoss) and type(owner).__module__ == "rankgrad.implicit":
        if not isinstance(owner.margin, (int, float)):
            raise TypeError("margin: give an array with the call, not to the loss, in a compiled program")
        return json.dumps({"implicit": kind, **{f.name: getattr(owner, f.name) for f in fields(owner)}})
    raise TypeError(f"{kind}: a compiled program knows the losses of rankgrad only")


def name_of_objective(objective: Any) -> str:
    """As `name_of`, for a bound objective."""
    return f'{{"objective": "{objective._name}"}}'


def _owner_of(name: str) -> Any:
    parameters = json.loads(name)
    (kind, value), *rest = parameters.items()
    if kind == "objective":
        objective: Objective | None = OBJECTIVES.get(value)
        if objective is None:
            raise RuntimeError(
                "objective: this program was compiled with a bound objective that is gone, or was in another "
                "process; call the loss with labels instead"
            )
        return objective
    if kind == "metric":
        return value
    if kind == "function":
        return rankgrad.ranking_softmax_loss
    if kind == "loss":
        return getattr(rankgrad, value).from_config(dict(rest))
    return getattr(rankgrad.implicit, value)(**dict(rest))


def values_shape(owner: Any, shapes: list[tuple[Any, ...]], constants: Any, some: Any) -> Any:
    """The shape of the value; the function `some` gives a number of lists that only the running program knows."""
    if isinstance(owner, ImplicitLoss):
        return shapes[0] if constants[-1].get("reduction", owner.reduction) == "none" else ()
    if isinstance(owner, Objective):
        if not owner._unreduced:
            return ()
        return shapes[0] if owner._core.values_per_item else owner._values_shape
    if isinstance(owner, RankingSoftmaxLoss):
        arrays = (x for x in constants[:3] if x is not None)
        spread = np.broadcast_shapes(shapes[0], *(np.shape(x) for x in arrays))
        return () if constants[3] is not None else spread[:-1]

    def n_lists() -> Any:
        return _n_lists(constants[0], shapes[0], some)

    if not isinstance(owner, str):
        return owner._values_shape(shapes[0], n_lists)
    k, per_list = constants[1], constants[5]
    lists = (n_lists() or 1,) if per_list else ()
    return (*lists, len(k)) if isinstance(k, (tuple, list)) else lists


def _n_lists(data: Data, shape: tuple[Any, ...], some: Any) -> Any:
    """How many lists there are; None for one that is all data."""
    if len(shape) == 2:
        return shape[0]
    data = data.flat()
    if data.groups is not None:
        return _length(data.groups)
    if data.offsets is not None:
        return _length(data.offsets) - 1
    return None if data.qid is None else some()


def _length(x: Any) -> Any:
    return x.shape[0] if hasattr(x, "shape") else len(x)
