"""Containers of ragged lists: a call with such scores is a call with their flat values, and its results go back in.

The values may be tensors; then the flat call is one of their framework's member.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from importlib import import_module
from typing import Any

import numpy as np

from rankgrad import _frameworks as containers
from rankgrad._data import Data
from rankgrad._frameworks import Results, member_for
from rankgrad._frameworks.calls import names_of_scores
from rankgrad._frameworks.ragged import sequences
from rankgrad._frameworks.ragged.container import Lists, require_same_lists
from rankgrad._loss import RankingLoss
from rankgrad.implicit import ImplicitLoss
from rankgrad.objective import Objective
from rankgrad.ranking_softmax import RankingSoftmaxLoss, require_booleans, require_floats

_HERE = "rankgrad._frameworks.ragged"

#: Package of a type of containers -> the module that reads them, and its function.
_READERS = {
    "awkward": ("awkward", "read"),
    "pandas": ("pandas", "read"),
    "polars": ("arrow", "read_polars"),
    "pyarrow": ("arrow", "read"),
    "tensorflow": ("tensorflow", "read"),
    "torch": ("jagged", "read"),
}

Prepared = tuple[tuple[Any, ...], bool]
"""The constants of a flat call, and whether its value is one per item."""


def lists_of(x: Any, name: str) -> Lists | None:
    """The lists of a container; None for flat and for rectangular data."""
    if isinstance(x, (list, tuple)):
        return sequences.read(x, name)
    packages = (str(base.__module__).partition(".")[0] for base in type(x).__mro__)
    module, function = next((_READERS[p] for p in packages if p in _READERS), ("arrow", "read_foreign"))
    lists: Lists | None = getattr(import_module(f"{_HERE}.{module}"), function)(x, name)
    return lists


def evaluate(
    function: Callable[..., Results], owner: Any, mode: int, scores: tuple[Any, ...], *constants: Any
) -> Results:
    """The evaluation of the flat values, or of what turned out to be no container."""
    *others, (x, name) = zip(scores, names_of_scores(owner), strict=True)
    for positive, its_name in others:
        if containers.lists_of(positive, its_name) is not None:
            raise ValueError(f"{its_name}: one score per positive, shape (B,), is wanted, got lists")
    lists: Lists | None = containers.lists_of(x, name)
    per_item = False
    if lists is not None:
        _require_a_list_each([positive for positive, _ in others], lists, name)
        if isinstance(owner, RankingSoftmaxLoss):
            function, owner, constants = _as_loss(owner, constants, lists, name)
        else:
            constants, per_item = _flat_constants(owner, constants, lists, name)
        scores = (*scores[:-1], lists.values)
    member = member_for(scores, containers=False)
    call = function if member is None else lambda *arguments: member.evaluate(function, *arguments)
    value, *derivatives = call(owner, mode, scores, *constants)
    if lists is None:
        return value, *derivatives
    grad, hess = (_put_back(lists, derivative) for derivative in derivatives)
    return _put_back(lists, value) if per_item else value, grad, hess


def _as_loss(
    owner: RankingSoftmaxLoss, constants: tuple[Any, ...], lists: Lists, name: str
) -> tuple[Any, RankingLoss, tuple[Any, ...]]:
    """A call of the function as one of the loss, which has an argument for lists in flat data."""
    require_floats(lists.values)
    loss, data, *rest = owner._of_lists(*constants)
    data = flat_data(data, lists, name)
    require_booleans(data.y_true["mask"])
    return RankingLoss._evaluate.__wrapped__, loss, (data, *rest)  # type: ignore[attr-defined]


def _require_a_list_each(positives: list[Any], lists: Lists, name: str) -> None:
    n = lists.offsets.size - 1
    for positive in positives:
        if np.ndim(positive) == 1 and len(positive) != n:
            raise ValueError(
                f"{name}: one list of negatives for each of the {len(positive)} positives is wanted, got {n} lists; "
                "rows of shape (K, B) go in one array"
            )


def _put_back(lists: Lists, flat: Any) -> Any:
    """A result in the container; of an implicit loss, that of the negatives."""
    if flat is None:
        return None
    return (*flat[:-1], lists.put_back(flat[-1])) if isinstance(flat, tuple) else lists.put_back(flat)


@singledispatch
def _flat_constants(owner: Any, constants: tuple[Any, ...], lists: Lists, name: str) -> Prepared:
    """The constants of the flat call, by the kind of its owner; a metric's name here."""
    data, *rest = constants
    return (flat_data(data, lists, name, "labels", "labels"), *rest), False


@_flat_constants.register
def _(owner: RankingLoss, constants: tuple[Any, ...], lists: Lists, name: str) -> Prepared:
    data, cotangent, *rest = constants
    per_item = owner._values_shape((1,), lambda: None) == (1,)
    if per_item:
        cotangent = flat_like(cotangent, lists, "cotangent", name)
    return (flat_data(data, lists, name), cotangent, *rest), per_item


@_flat_constants.register
def _(owner: Objective, constants: tuple[Any, ...], lists: Lists, name: str) -> Prepared:
    cotangent, out, n_threads, iteration, *rest = constants
    require_same_lists(lists.offsets, name, owner._core.offsets(), "the labels")
    per_item = owner._unreduced and owner._core.values_per_item
    if per_item:
        cotangent = flat_like(cotangent, lists, "cotangent", name)
    if rest:
        rest[0] = flat_like(rest[0], lists, "vector", name)
    return (cotangent, out, n_threads, iteration, *rest), per_item


@_flat_constants.register
def _(owner: ImplicitLoss, constants: tuple[Any, ...], lists: Lists, name: str) -> Prepared:
    num_items, items, options = constants
    _refuse_other_lists(name, offsets=options.get("offsets"), groups=options.get("groups"))
    items = items._replace(negative_items=flat_like(items.negative_items, lists, "negative_items", name))
    return (num_items, items, options | {"offsets": lists.offsets}), False


def flat_data(
    data: Data,
    lists: Lists,
    of: str,
    name: str = "y_true",
    of_array: str = "labels (y_true)",
    labels: Any = None,
) -> Data:
    """The data as flat arrays with offsets; its lists have to be those of the argument called `of`.

    `labels`: their flat values, if they have been read already.
    """
    _refuse_other_lists(of, groups=data.groups, offsets=data.offsets, qid=data.qid)
    y = data.y_true
    if isinstance(y, dict):
        y = dict(y)
        if "labels" in y:
            y["labels"] = (
                _flat_labels(y["labels"], lists, f'{name}["labels"]', of) if labels is None else labels
            )
        if "mask" in y:
            y["mask"] = flat_like(y["mask"], lists, f'{name}["mask"]', of)
    else:
        y = _flat_labels(y, lists, of_array, of) if labels is None else labels
    return Data(y, flat_like(data.sample_weight, lists, "sample_weight", of), offsets=lists.offsets)


def flat_like(x: Any, lists: Lists, name: str, of: str) -> Any:
    """The flat values of a container with the same lists; anything else as it is, for its own check."""
    found = _values_of(x, lists, name, of)
    return x if found is None else found


def _flat_labels(x: Any, lists: Lists, name: str, of: str) -> Any:
    found = _values_of(x, lists, name, of)
    if found is None and (rows := sequences.read_rows(x, name)) is not None:
        require_same_lists(rows.offsets, name, lists.offsets, of)
    if found is None:
        raise ValueError(
            f"{name}: lists like those of {of} are wanted, in a list of arrays or another container; "
            "or pass both flat, with groups="
        )
    return found


def _values_of(x: Any, lists: Lists, name: str, of: str) -> Any:
    """The values of a container, which must have these lists, and of nested numbers that happen to; else None."""
    found = containers.lists_of(x, name)
    if found is not None:
        require_same_lists(found.offsets, name, lists.offsets, of)
        return found.values
    rows = sequences.read_rows(x, name)
    return rows.values if rows is not None and np.array_equal(rows.offsets, lists.offsets) else None


def _refuse_other_lists(of: str, **given: Any) -> None:
    for name, x in given.items():
        if x is not None:
            raise ValueError(f"{name}: goes with flat data, but the lists come with the container of {of}")
