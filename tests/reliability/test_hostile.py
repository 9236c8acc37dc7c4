"""Every hostile input against every public loss, metric and bridge, in processes whose crash would be seen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
import rankgrad as rg

from children import run_child
from every_call import hash_of, implicit_losses, labelled_losses
from hostile_implicit import IMPLICIT, SOFTMAX, implicit_base, implicit_cases, softmax_base, softmax_cases
from hostile_inputs import (
    GROUPS,
    LABELS,
    LIGHTGBM,
    LOSSES,
    METRICS,
    SCORES,
    XGBOOST,
    Arguments,
    Case,
    all_cases,
)

Call = Callable[[Arguments], Any]
LISTS = ("groups", "offsets", "qid")
FEWEST_INPUTS = 80


def call_with(function: Callable[..., Any], *positional: str, others: tuple[str, ...] = ()) -> Call:
    """Calls `function` with the named arguments; raises LookupError if a changed argument is not among them."""
    known = {*positional, *others, *LISTS, "n_threads"}

    def call(arguments: Arguments) -> Any:
        if not set(arguments) <= known:
            raise LookupError
        options = {k: v for k, v in arguments.items() if k not in positional and v is not None}
        return function(*(arguments[name] for name in positional), **options)

    return call


def loss_calls(loss: Any) -> Iterator[tuple[str, Call]]:
    """All ways to call a loss over lists."""
    plain = ("sample_weight",)

    def bound(method: str) -> Callable[..., Any]:
        def run(labels: Any, scores: Any, **options: Any) -> Any:
            given = {k: options.pop(k) for k in (*LISTS, *plain, "algorithm") if k in options}
            return getattr(loss.bind(labels, **given), method)(scores, **options)

        return run

    yield "()", call_with(loss, "labels", "scores", others=plain)
    yield (
        "value_and_grad",
        call_with(loss.value_and_grad, "labels", "scores", others=(*plain, "cotangent", "out")),
    )
    yield "grad_and_hess", call_with(loss.grad_and_hess, "labels", "scores", others=(*plain, "cotangent"))
    options = (*plain, "algorithm", "cotangent", "curvature", "min_hessian")
    yield "bind.grad_and_hess", call_with(bound("grad_and_hess"), "labels", "scores", others=options)
    if not hasattr(loss, "seed"):
        more = call_with(bound("hessp"), "labels", "scores", others=(*plain, "vector", "cotangent", "out"))
        yield "bind.hessp", lambda arguments: more({"vector": SCORES[::-1], **arguments})


def lightgbm_call(function: Callable[..., Any]) -> Call:
    def call(arguments: Arguments) -> Any:
        if not set(arguments) <= {"labels", "scores", "sample_weight", "groups"}:
            raise LookupError
        return function(*(arguments.get(k) for k in ("labels", "scores", "sample_weight", "groups")))

    return call


def xgboost_call(function: Callable[..., Any]) -> Call:
    import xgboost

    def call(arguments: Arguments) -> Any:
        if not set(arguments) <= {"labels", "scores", "groups"}:
            raise LookupError
        data = xgboost.DMatrix(np.zeros((8, 1)), label=arguments["labels"], group=arguments["groups"])
        return function(arguments["scores"], data)

    return call


def targets(family: str) -> Iterator[tuple[str, Call, set[str]]]:
    """(name, call, whom the cases must be for) of each public thing of a family."""
    if family == LOSSES:
        for name, loss in labelled_losses().items():
            yield from ((f"{name}{method}", call, {LOSSES}) for method, call in loss_calls(loss))
    elif family == METRICS:
        for metric in (rg.ndcg, rg.dcg):
            call = call_with(metric, "labels", "scores", others=("k", "gain", "ties", "empty"))
            yield metric.__name__, call, {METRICS}
    elif family in (LIGHTGBM, XGBOOST):
        bridge = __import__(f"rankgrad.{family}", fromlist=["objective"])
        wrap = lightgbm_call if family == LIGHTGBM else xgboost_call
        for name, loss in labelled_losses().items():
            if loss.has_curvature:
                yield f"{family}.objective({name})", wrap(bridge.objective(loss)), {family}
        yield f"{family}.metric", wrap(bridge.metric(k=5)), {family, METRICS}
    elif family == IMPLICIT:
        for name, loss in implicit_losses().items():
            yield from ((f"{name}{method}", call, {IMPLICIT}) for method, call in implicit_calls(loss))
    else:
        loss = rg.ranking_softmax_loss
        for method in (loss, loss.value_and_grad, loss.grad_and_hess):
            names = ("where", "weights", "reduction", "nan")
            yield "ranking_softmax_loss", call_with(method, "logits", "labels", others=names), {SOFTMAX}


def implicit_calls(loss: Any) -> Iterator[tuple[str, Call]]:
    names = tuple(implicit_base())[2:]
    options = (*names, "sample_weight", "margin", "reduction")
    for method, more in {
        "__call__": (),
        "value_and_grad": ("out", "cotangent"),
        "grad_and_hess": ("cotangent",),
    }.items():
        call = call_with(
            getattr(loss, method), "positive_scores", "negative_scores", others=(*options, *more)
        )
        yield f".{method}", call


def base_of(family: str) -> Arguments:
    if family == IMPLICIT:
        return implicit_base()
    return softmax_base() if family == SOFTMAX else {"labels": LABELS, "scores": SCORES, "groups": GROUPS}


def cases_of(family: str) -> list[Case]:
    return implicit_cases() if family == IMPLICIT else softmax_cases() if family == SOFTMAX else all_cases()


def with_changes(base: Arguments, change: Arguments) -> Arguments:
    """The arguments as the case changes them; lists given in another form replace the usual groups."""
    return {**base, **change}


def verdict(call: Call, base: Arguments, case: Case) -> str | None:
    """None if the call did what the case says, else what it did. LookupError if the case is not for this call."""
    try:
        results = call(with_changes(base, case.change))
    except (ValueError, TypeError) as error:
        if case.raises is None:
            return f"raised {type(error).__name__}: {error}"
        return None if re.search(case.raises, str(error)) else f"says only {type(error).__name__}: {error}"
    except LookupError:
        raise
    except Exception as error:
        return f"raised {type(error).__name__}: {error}"
    if case.same_as is None:
        return "nothing was raised"
    expected = call(with_changes(base, case.same_as))
    return None if hash_of(results) == hash_of(expected) else "other results than documented"


def judge(family: str) -> dict[str, Any]:
    """The program of a child: all cases of a family, telling each beginning so that a crash has a name."""
    base, inputs, calls, wrong = base_of(family), set(), 0, []
    all_targets = list(targets(family))
    for case in cases_of(family):
        for name, call, whom in all_targets:
            if not whom <= case.who:
                continue
            print(f"{name} <- {case.name}", flush=True)
            try:
                found = verdict(call, base, case)
            except LookupError:
                continue
            inputs.add(case.name)
            calls += 1
            if found is not None:
                wrong.append(f"{name} <- {case.name}: {found}")
    return {"inputs": len(inputs), "calls": calls, "wrong": wrong, "targets": len(all_targets)}


@pytest.mark.parametrize("family", [LOSSES, METRICS, LIGHTGBM, XGBOOST, IMPLICIT, SOFTMAX])
def test_hostile_inputs(family: str, figure: Callable[[str, str], None]) -> None:
    if family == XGBOOST and find_spec("xgboost") is None:
        pytest.skip("xgboost is not installed")
    ended = run_child(judge, family, env={"OMP_NUM_THREADS": "1"}, seconds=300)
    assert ended.how == "ok", f"{ended.how}\n{ended.output[-2000:]}"
    answer = ended.answer
    wrong = answer["wrong"]
    figure(
        "hostile",
        f"{family} {answer['inputs']} inputs x {answer['targets']} calls, {len(wrong)} wrong of {answer['calls']}",
    )
    assert not wrong, "\n".join(wrong[:60]) + f"\n{len(wrong)} of {answer['calls']}"


def test_there_are_enough_hostile_inputs() -> None:
    assert len([case for case in all_cases() if LOSSES in case.who]) >= FEWEST_INPUTS


WRONG_PARAMETERS: dict[str, list[Any]] = {
    "temperature": [0.0, -1.0, float("nan"), float("inf"), "1", None, True, [1.0], 1j],
    "reduction": ["avg", "NONE", 3, ["sum"]],
    "dtype": ["int32", "complex128", np.int8],
    "negative_labels": ["drop", None, True],
    "nan": ["skip", None, float("nan")],
}


@pytest.mark.parametrize("name", labelled_losses())
def test_hostile_parameters(name: str) -> None:
    kind = type(labelled_losses()[name])
    for parameter, values in WRONG_PARAMETERS.items():
        for value in values:
            with pytest.raises((ValueError, TypeError), match=parameter):
                kind(**{parameter: value})


@pytest.mark.parametrize("method", ["value_and_grad", "grad_and_hess"])
def test_results_do_not_go_where_the_cotangent_is(method: str) -> None:
    """An ignored item gets its 0 first, so its cotangent, read later, would be 0 too."""
    bound = rg.PairwiseLogisticLoss(reduction="none").bind(LABELS)
    cotangent = np.ones(8)
    with pytest.raises(ValueError, match=r"out.*overlap"):
        getattr(bound, method)(SCORES, cotangent=cotangent, out=(np.zeros(8), cotangent))
