"""Bits do not depend on the caller's floating-point mode nor on `np.errstate`, wherever Python or NumPy computes."""

from __future__ import annotations

import itertools
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import rankgrad as rg

from children import fresh
from every_call import every_call, hash_of, implicit_losses, labelled_losses
from float_modes import ROUNDINGS, strange_mode

Call = Callable[[], Any]
REDUCTIONS = (
    "sum",
    "mean",
    "mean_with_sample_weight",
    "mean_over_pairs",
    "mean_over_lists",
    "mean_over_items",
    "none",
)
N_LISTS, LENGTH = 5, 9
GROUPS = np.full(N_LISTS, LENGTH)
DENORMAL = 3e-310


def data() -> dict[str, Any]:
    """Numbers in types that are converted, some of them denormal in theirs."""
    rng = np.random.default_rng(3)
    n = N_LISTS * LENGTH
    weights = rng.random(n) * np.where(rng.random(n) < 0.2, 1e-308, 1.0)
    single = (rng.normal(size=n) * np.where(rng.random(n) < 0.2, 1e-39, 1.0)).astype(np.float32)
    return {
        "labels": rng.integers(0, 3, n) * np.float32(1e-41),
        "scores": {
            "float64": single.astype(np.float64) / 3,
            "float32": single,
            "float16": single.astype(np.float16),
            "int64": rng.integers(-(2**62), 2**62, n),
            "longdouble": single.astype(np.longdouble) / 3,
        },
        "weights": {"none": None, "number": 1 / 3, "items": weights, "lists": weights[:N_LISTS, None]},
        "vector": single.astype(np.float64)[::-1],
        "cotangent": weights[::-1],
    }


def everything(loss: Any, scores: Any, weights: Any, d: dict[str, Any]) -> list[Any]:
    """All results of a call and of a bound objective, the cotangent given."""
    cotangent: Any = np.longdouble(1) / 3
    bound = loss.bind(d["labels"], weights, groups=GROUPS)
    if loss.reduction == "none":
        cotangent = d["cotangent"][: bound.value(scores).size]
    return [
        loss(d["labels"], scores, weights, groups=GROUPS),
        *loss.value_and_grad(d["labels"], scores, weights, groups=GROUPS, cotangent=cotangent),
        *bound.grad_and_hess(scores, cotangent=cotangent, curvature="positive", min_hessian=DENORMAL),
        bound.hessp(scores, d["vector"], cotangent=cotangent),
    ]


def labelled_calls() -> Iterator[tuple[str, Call]]:
    """Every loss with every reduction, kind of weights and type of scores, the rarer ones not with each other."""
    d = data()
    for (name, loss), reduction in itertools.product(labelled_losses().items(), REDUCTIONS):
        if reduction == "mean_over_pairs" and not hasattr(loss, "lambda_weight"):
            continue
        reduced = replace(loss, reduction=reduction)
        for kind, weights in d["weights"].items():
            if kind == "items" and not loss._item_weights:
                continue
            types = d["scores"] if kind == "none" and reduction == "sum" else ("float32", "float64")
            for dtype in types:
                scores = d["scores"][dtype]
                yield (
                    f"{name} {reduction} {kind} {dtype}",
                    lambda loss=reduced, scores=scores, weights=weights: everything(loss, scores, weights, d),
                )


def other_calls() -> Iterator[tuple[str, Call]]:
    """Pair weights, implicit losses, the function of braintools, metrics of numbers that are denormal."""
    d = data()
    labels, x, w = np.arange(45) % 4, d["scores"]["float64"], d["weights"]["items"]
    for weight in (rg.NDCGWeight(), rg.NDCGWeight(gain=[0, 1e-310, 0.3, 1 / 3]), rg.LabelDifferenceWeight()):
        loss = rg.PairwiseLogisticLoss(lambda_weight=weight, reduction="mean_over_pairs")
        yield (
            f"{weight}",
            lambda loss=loss: [
                loss.value_and_grad(labels, x, w, groups=GROUPS),
                loss.bind(labels, groups=GROUPS).pairs_per_list,
            ],
        )
    rng = np.random.default_rng(4)
    p, q = rng.normal(size=20), rng.normal(size=(4, 20))
    short, long = p.astype(np.float32), p.astype(np.longdouble)
    items = {"num_items": 50, "positive_items": np.arange(20), "negative_items": rng.integers(0, 50, (4, 20))}
    credit = {
        "metadata": {"a": (np.arange(50) % 3 * 1e-41).astype(np.float32)},
        "metadata_weights": {"a": 1 / 3},
    }
    for (name, loss), reduction in itertools.product(
        implicit_losses().items(), ("collie", "mean", "sum", "none")
    ):
        options = {"reduction": reduction, "sample_weight": w[:20], "margin": 1 / 3, **items, **credit}
        c = w[-20:] if reduction == "none" else np.longdouble(1) / 3
        yield (
            f"{name} {reduction}",
            lambda loss=loss, o=options, c=c: [
                loss(p, q, **o),
                loss.value_and_grad(short, q, cotangent=c, **o),
                loss.grad_and_hess(long, q, cotangent=c, **o),
            ],
        )
    yield (
        "ideal_difference_from_metadata",
        lambda: rg.ideal_difference_from_metadata(
            items["positive_items"], items["negative_items"], *credit.values()
        ),
    )
    one_list = np.float32(x[:LENGTH])
    y = labels.reshape(N_LISTS, LENGTH) / 3
    for options in ({}, {"reduction": "sum"}, {"reduction": "none"}, {"weights": w.reshape(N_LISTS, LENGTH)}):
        yield (
            f"ranking_softmax_loss {list(options)}",
            lambda options=options: [
                rg.ranking_softmax_loss(one_list, y, **options),
                rg.ranking_softmax_loss.value_and_grad(one_list, y, **options),
                rg.ranking_softmax_loss.grad_and_hess(one_list, y, **options),
            ],
        )
    own = lambda values: float(np.sum(values) / 3)  # noqa: E731
    yield "reduce_fn", lambda: rg.ranking_softmax_loss(one_list, y, reduce_fn=own)
    tiny = [1e-310, 2e-310, 1e-311]
    for metric in (rg.ndcg, rg.dcg):
        yield (
            f"{metric.__name__}",
            lambda metric=metric: [metric(tiny, x[:3], gain="linear"), metric(labels, x)],
        )


def calls() -> Iterator[tuple[str, Call]]:
    yield from every_call(1)
    yield from labelled_calls()
    yield from other_calls()


def differing(modes: list[list[Any]]) -> list[Any]:
    """How many calls there are, and the names of those whose bits are others in one of the modes."""
    bad, named = set(), [(name, call, hash_of(call())) for name, call in calls()]
    for rounding, flush in modes:
        with strange_mode(rounding, flush):
            bad |= {name for name, call, expected in named if hash_of(call()) != expected}
    return [len(named), sorted(bad)]


def differing_by_errstate() -> list[str]:
    bad = []
    warnings.simplefilter("error")
    for name, call in calls():
        with np.errstate(all="ignore"):
            expected = hash_of(call())
        for how in ("raise", "warn"):
            with np.errstate(all=how):
                try:
                    same = hash_of(call()) == expected
                except (FloatingPointError, RuntimeWarning) as error:
                    bad.append(f"{name}: {error}")
                    break
            if not same:
                bad.append(name)
    return bad


@pytest.mark.skipif(
    not (sys.platform.startswith("linux") and os.uname().machine == "x86_64"),
    reason="sets MXCSR through glibc",
)
def test_bits_do_not_depend_on_the_callers_mode(figure: Callable[[str, str], None]) -> None:
    modes = [[rounding, flush] for rounding in ROUNDINGS for flush in (False, True)][1:]
    n_calls, bad = fresh(differing, modes, seconds=900)
    figure("globals", f"{len(bad)} of {n_calls} calls have other bits in {len(modes)} floating-point modes")
    assert bad == []


def test_bits_do_not_depend_on_errstate() -> None:
    assert fresh(differing_by_errstate, seconds=900) == []
