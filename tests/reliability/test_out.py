"""`out=` may share memory with no array argument, whatever its name, nor with another array of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from inspect import signature
from typing import Any

import numpy as np
import pytest
import rankgrad as rg

from every_call import implicit_losses, labelled_losses

N = 6
#: Each number is a double, whose bytes are also a whole number or small ones: room for any argument.
ROOM = 64


@dataclass(frozen=True)
class OutCall:
    """A call that takes `out=`: `shapes` are those of its array results, packed by `pack`."""

    call: Callable[..., Any]
    arguments: dict[str, Any]
    shapes: tuple[tuple[int, ...], ...]
    pack: Callable[[list[Any]], Any]


def flat(out: list[Any]) -> Any:
    return out[0] if len(out) == 1 else tuple(out)


def implicit_out(out: list[Any]) -> Any:
    """Two for the gradients; with the value before them, or the Hessians behind them."""
    pairs = out if len(out) != 3 else out[1:]
    nested = tuple((pairs[k], pairs[k + 1]) for k in range(0, len(pairs), 2))
    return (out[0], nested[0]) if len(out) == 3 else nested[0] if len(out) == 2 else nested


def labelled_calls() -> Iterator[tuple[str, OutCall]]:
    for name, loss in labelled_losses().items():
        labels = {"labels": np.array([1, 0, 2, 0, 1, 0]), "mask": np.ones(N, bool)}
        given = {"y_true": labels, "y_pred": np.linspace(0, 1, N)}
        weights = np.ones(N) if loss._item_weights else np.ones((2, 1))
        lists = {
            "groups": np.array([2, 4]),
            "offsets": np.array([0, 2, 6]),
            "qid": np.array([0, 0, 1, 1, 1, 1]),
        }
        rows = replace(loss, reduction="none")
        values = (N,) if loss.bind(labels, groups=lists["groups"])._core.values_per_item else (2,)
        for kind, boundaries in lists.items():
            one_off = given | {"sample_weight": weights, kind: boundaries}
            unreduced = one_off | {"cotangent": np.ones(values)}
            yield f"{name} value_and_grad {kind}", OutCall(loss.value_and_grad, one_off, ((N,),), flat)
            yield (
                f"{name} grad_and_hess {kind}",
                OutCall(rows.grad_and_hess, unreduced, ((N,),) * 2, flat),
            )
            yield f"{name} none {kind}", OutCall(rows.value_and_grad, unreduced, (values, (N,)), flat)
        bound = rows.bind(labels, groups=lists["groups"])
        x, c = {"scores": np.linspace(0, 1, N)}, {"cotangent": np.ones(values)}
        yield f"{name} bound value", OutCall(bound.value, x | c, (values,), flat)
        yield f"{name} bound value_and_grad", OutCall(bound.value_and_grad, x | c, (values, (N,)), flat)
        yield f"{name} bound grad_and_hess", OutCall(bound.grad_and_hess, x | c, ((N,),) * 2, flat)
        yield f"{name} bound hessp", OutCall(bound.hessp, x | c | {"vector": np.ones(N)}, ((N,),), flat)


def implicit_calls() -> Iterator[tuple[str, OutCall]]:
    b, n = 3, 6
    for name, loss in implicit_losses().items():
        common = {
            "positive_scores": np.linspace(0, 1, b),
            loss._negative_name: np.linspace(1, 2, n),
            "positive_items": np.arange(b),
            "negative_items": np.arange(n),
            "metadata": {"a": np.arange(8), "b": np.arange(8) / 2},
            "metadata_weights": {"a": 0.25, "b": 0.25},
            "margin": np.ones(b),
            "sample_weight": np.ones(b),
            "num_items": 9,
        }
        for kind, boundaries in {"groups": np.full(b, 2), "offsets": np.arange(0, 7, 2)}.items():
            given = common | {kind: boundaries}
            unreduced = given | {"reduction": "none", "cotangent": np.ones(b)}
            two = ((b,), (n,))
            yield f"{name} value_and_grad {kind}", OutCall(loss.value_and_grad, given, two, implicit_out)
            yield f"{name} none {kind}", OutCall(loss.value_and_grad, unreduced, ((b,), *two), implicit_out)
            yield (
                f"{name} grad_and_hess {kind}",
                OutCall(loss.grad_and_hess, unreduced, two * 2, implicit_out),
            )


CALLS = dict([*labelled_calls(), *implicit_calls()])


def arrays_of(arguments: dict[str, Any]) -> list[tuple[str, str | None]]:
    """Names of the array arguments, and of those in dicts."""
    found: list[tuple[str, str | None]] = []
    for name, x in arguments.items():
        if isinstance(x, dict):
            found += [(name, key) for key, part in x.items() if isinstance(part, np.ndarray)]
        elif isinstance(x, np.ndarray):
            found.append((name, None))
    return found


def moved(x: Any, memory: Any, at: int) -> Any:
    """A copy of x in the memory, behind its first `at` bytes."""
    part = memory.view(np.uint8)[at : at + x.nbytes].view(x.dtype).reshape(x.shape)
    part[...] = x
    return part


def with_moved(arguments: dict[str, Any], name: str, key: str | None, memory: Any, at: int) -> dict[str, Any]:
    if key is None:
        return arguments | {name: moved(arguments[name], memory, at)}
    return arguments | {name: arguments[name] | {key: moved(arguments[name][key], memory, at)}}


@pytest.mark.parametrize("name", CALLS)
def test_out_shares_memory_with_no_argument(name: str) -> None:
    x = CALLS[name]
    x.call(**x.arguments, out=x.pack([np.empty(shape) for shape in x.shapes]))
    for (argument, key), which, at in [
        (a, k, at) for a in arrays_of(x.arguments) for k in range(len(x.shapes)) for at in (0, 8)
    ]:
        memory = np.zeros(ROOM)
        given = with_moved(x.arguments, argument, key, memory, at)
        before = memory.copy()
        out = [np.empty(shape) for shape in x.shapes]
        out[which] = memory[: out[which].size].reshape(x.shapes[which])
        with pytest.raises(ValueError, match=rf"out: overlaps .*{argument}"):
            x.call(**given, out=x.pack(out))
        np.testing.assert_array_equal(memory, before)
        out[which] = memory[32 : 32 + out[which].size].reshape(x.shapes[which])  # beside it
        x.call(**given, out=x.pack(out))


@pytest.mark.parametrize("name", [name for name, x in CALLS.items() if len(x.shapes) > 1])
def test_arrays_of_out_do_not_share_memory(name: str) -> None:
    x = CALLS[name]
    for first in range(len(x.shapes)):
        for second in range(first):
            memory, out = np.zeros(ROOM), [np.empty(shape) for shape in x.shapes]
            for k, at in ((first, 0), (second, out[first].size - 1)):
                out[k] = memory[at : at + out[k].size].reshape(x.shapes[k])
            with pytest.raises(ValueError, match=r"out: overlaps .*another"):
                x.call(**x.arguments, out=x.pack(out))
            assert not memory.any()


def test_arguments_in_other_containers() -> None:
    pandas = pytest.importorskip("pandas")
    memory = np.array([1.0, 0.0, 2.0])
    loss, scores = rg.PairwiseHingeLoss(), np.array([0.3, 0.2, 0.1])
    for labels in (pandas.Series(memory, copy=False), memoryview(memory)):
        if not np.shares_memory(np.asarray(labels), memory):
            continue
        with pytest.raises(ValueError, match=r"out: overlaps .*y_true"):
            loss.value_and_grad(labels, scores, out=memory)
    # Between the numbers of a strided argument there is room.
    table = np.zeros((3, 10))
    table[:, 0] = scores
    grad = loss.value_and_grad(memory, table[:, 0], out=table[1, 2:5])[1]
    np.testing.assert_array_equal(grad, loss.value_and_grad(memory, scores)[1])
    with pytest.raises(ValueError, match="out: overlaps"):
        loss.value_and_grad(memory, table[:, 0], out=table[1, 0:3])


def test_every_method_with_out_is_tried() -> None:
    """Names of the methods with `out=`, of the classes that have them."""
    kinds = {type(x) for x in labelled_losses().values()} | {rg.Objective}
    methods = {
        (n, m) for k in kinds for n, m in vars(k).items() if callable(m) and "out" in signature(m).parameters
    }
    tried = {x.call.__name__ for x in CALLS.values()}
    assert {name for name, _ in methods if not name.startswith("_")} <= tried
