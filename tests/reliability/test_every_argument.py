"""Every argument of everything public, given what nobody should give: a result, or an error that names the argument."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
import rankgrad as rg
from rankgrad import datasets, lightgbm, xgboost
from rankgrad._loss import RankingLoss
from rankgrad.implicit import ImplicitLoss
from rankgrad.lambda_weights import LambdaWeight

from every_call import implicit_losses, labelled_losses
from hostile_implicit import implicit_base
from hostile_inputs import GROUPS, LABELS, SCORES, NoArray, OnAnotherDevice

Arguments = dict[str, Any]
Target = tuple[str, Callable[..., Any], Arguments]


class BadRepr:
    """Cannot even be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no words")


class Raises:
    """Raises whatever is asked of it."""

    def __array__(self, *arguments: Any, **options: Any) -> Any:
        raise RuntimeError("no array today")

    def __hash__(self) -> int:
        raise RuntimeError("no hash today")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("nothing is equal today")

    def __bool__(self) -> bool:
        raise RuntimeError("neither true nor false today")


def hostile_values() -> dict[str, Any]:
    values: dict[str, Any] = {
        repr(x): x
        for x in (
            *(None, True, False, 0, 1, -1, 2**31, 2**63, 2**64, 2**70, 0.0, -0.0, 0.5, 1e300, 5e-324, 1j),
            *("", "a", "nan", "1", b"", b"a", [], (), {}, set(), [1], [0.5], [[]], [None], ["a"], {"a": 1}),
            *(float("nan"), float("inf"), -float("inf"), [float("nan")] * 8, [float("inf")] * 8, [None] * 8),
            *(
                Decimal("1.5"),
                Decimal("NaN"),
                Fraction(1, 2),
                datetime(2020, 1, 1),
                range(8),
                [Fraction(1)] * 8,
            ),
            *(
                [[1.0], [2.0, 3.0]],
                [[1.0] * 4] * 2,
                ["a"] * 8,
                [b"a"] * 8,
                [2**70] * 8,
                [1j] * 8,
                {"labels": [1]},
            ),
        )
    }
    values["10**400"] = 10**400
    values["an int of 5000 digits"] = 10**5000
    for text in ("1e400", "1e-4000", "nan", "0.1"):
        values[f"longdouble {text}"] = np.longdouble(text)
    values["longdouble array"] = np.array(["1e400"] * 8, np.longdouble)
    for dtype in ("i1", "u8", "f2", "f4", "f8", "?", "c8", "O", "S1", "U1", "M8[s]", "m8[s]", "V4"):
        values[f"0-d {dtype}"] = np.ones((), "f8").astype(dtype) if dtype != "V4" else np.zeros((), dtype)
        values[f"{dtype} of 8"] = np.ones(8).astype(dtype) if dtype != "V4" else np.zeros(8, dtype)
    values["NaT"] = np.datetime64("NaT")
    values["time difference"] = np.timedelta64(3, "s")
    values["numpy bool"] = np.bool_(True)
    for shape in ((1,), (8, 1), (1, 8), (2, 4), (2, 2, 2), (0,), (0, 4)):
        values[f"zeros {shape}"] = np.zeros(shape)
    values["masked array"] = np.ma.masked_array(SCORES, SCORES > 0)
    values["list of masked arrays"] = [np.ma.masked_array(SCORES, SCORES > 0)]
    values["list with a masked element"] = [1.0] * 7 + [np.ma.masked]
    values |= {"object": object(), "type": int, "function": len, "generator": (x for x in [1.0])}
    values |= {"no repr": BadRepr(), "raises": Raises(), "list that raises": [Raises()] * 8}
    values |= {"another device": OnAnotherDevice(), "no array after all": NoArray(), "ellipsis": ...}
    endless: list[Any] = [1.0]
    endless.append(endless)
    values["a list in itself"] = endless
    if find_spec("scipy") is not None:
        from scipy import sparse

        values["sparse matrix"] = sparse.eye(8).tocsr()
    if find_spec("pandas") is not None:
        import pandas as pd

        values |= {"NA": pd.NA, "series with NA": pd.Series([1, None] * 4, dtype="Int64")}
        values |= {"categories": pd.Categorical(list("aabbccdd")), "data frame": pd.DataFrame({"a": SCORES})}
        values["time stamps"] = pd.Series([pd.Timestamp("2020-01-01", tz="UTC")] * 8)
    return values


#: How a message may call an argument, where not by its name.
ALSO = {
    "y_true": "labels|label",
    "labels": "y_true",
    "y_pred": "scores",
    "many_negative_scores": "negative",
    "negative_scores": "negative",
    "positive_scores": "negative|positive",
    "negative_items": "item",
    "positive_items": "item",
    "metadata_weights": "metadata",
    "where": "logits",
    "weights": "logits",
    "logits": "labels|scores",
    "weight": "sample_weight",
    "group": "groups",
    "loss": "lambda_weight",
    "offsets": "negative|sample_weight",
    "qid": "sample_weight",
    "groups": "negative|sample_weight",
}
LISTS: Arguments = {"groups": None, "offsets": None, "qid": None}
#: Arguments that are kept and given back as they are.
FREE = {"name"}


def loss_targets() -> Iterator[Target]:
    data = {"y_true": LABELS, "y_pred": SCORES, "sample_weight": np.ones((2, 1))}
    lists = {**LISTS, "groups": GROUPS}
    how: Arguments = {"n_threads": 1, "iteration": 0}
    results = {"cotangent": 1.0, "out": None, **how}
    for name, loss in labelled_losses().items():
        yield f"{name}()", loss.__call__, {**data, **lists, **how}
        yield f"{name}.value_and_grad", loss.value_and_grad, {**data, **lists, **results}
        yield f"{name}.grad_and_hess", loss.grad_and_hess, {**data, **lists, **results}
        yield f"{name}.call", loss.call, {"y_true": LABELS, "y_pred": SCORES, "iteration": 0}
        bind = {"y_true": LABELS, "sample_weight": None, **lists, "algorithm": "auto"}
        yield f"{name}.bind", loss.bind, bind
        yield f"{name}.bind(qid)", loss.bind, {**bind, "groups": None, "qid": [1] * 8}
        yield f"{name}.from_config", type(loss).from_config, {"config": {}}
        bound = loss.bind(LABELS, groups=GROUPS)
        scores = {"scores": SCORES, **results}
        yield f"{name}: value", bound.value, scores
        yield f"{name}: value_and_grad", bound.value_and_grad, scores
        more = {**scores, "curvature": "exact", "min_hessian": 0.0}
        yield f"{name}: grad_and_hess", bound.grad_and_hess, more
        yield f"{name}: hessp", bound.hessp, {**scores, "vector": SCORES}


def constructor_targets() -> Iterator[Target]:
    classes = {type(x) for x in (*labelled_losses().values(), *implicit_losses().values())}
    for kind in sorted({*classes, rg.NDCGWeight, rg.LabelDifferenceWeight}, key=lambda c: c.__name__):
        assert issubclass(kind, (RankingLoss, ImplicitLoss, LambdaWeight))
        options = {f.name: getattr(kind(), f.name) for f in fields(kind) if f.name != "margin"}
        yield kind.__name__, kind, options


def implicit_targets() -> Iterator[Target]:
    data = {**implicit_base(), "offsets": None, "groups": None, "sample_weight": None, "n_threads": 1}
    for name, loss in implicit_losses().items():
        scores = loss._negative_name
        base = {scores if k == "negative_scores" else k: v for k, v in data.items()}
        base |= {f.name: getattr(loss, f.name) for f in fields(loss)}
        for method in (loss.__call__, loss.value_and_grad, loss.grad_and_hess):
            more = {} if method.__name__ == "__call__" else {"cotangent": 1.0, "out": None}
            yield f"{name}.{method.__name__}", _by_position(method, scores), {**base, **more}
    names = ("positive_items", "negative_items", "metadata", "metadata_weights")
    metadata = {k: v for k, v in data.items() if k in names}
    yield "ideal_difference_from_metadata", rg.ideal_difference_from_metadata, metadata


def _by_position(method: Callable[..., Any], scores: str) -> Callable[..., Any]:
    def call(positive_scores: Any, **options: Any) -> Any:
        return method(positive_scores, options.pop(scores), **options)

    return call


def other_targets() -> Iterator[Target]:
    wide = SCORES.reshape(2, 4)
    softmax = {"logits": wide, "labels": wide, "where": wide < 1, "weights": wide, "reduction": "sum"}
    softmax |= {"reduce_fn": np.mean, "nan": "raise"}
    loss = rg.ranking_softmax_loss
    for method in (loss.__call__, loss.value_and_grad, loss.grad_and_hess):
        yield f"ranking_softmax_loss.{method.__name__}", method, {**softmax, "n_threads": 1}
    yield "ranking_softmax_loss.bind", loss.bind, {k: v for k, v in softmax.items() if k != "logits"}
    metric = {"labels": LABELS, "scores": SCORES, "k": 3, **LISTS, "groups": GROUPS, "gain": "exp2"}
    metric |= {
        "ties": "first",
        "empty": 0.0,
        "per_list": False,
        "negative_labels": "use",
        "sample_weight": 1.0,
    }
    yield "ndcg", rg.ndcg, metric
    yield "dcg", rg.dcg, metric
    yield "threads", _threads, {"n": 1}
    yield "select_isa", rg.select_isa, {"name": rg.isa_levels()[-1]}
    ranking = {"n_lists": 3, "n_features": 8, "min_length": 1, "max_length": 5, "noise": 0.5, "seed": 0}
    yield "make_ranking", datasets.make_ranking, ranking
    for bridge in (lightgbm, xgboost):
        options = {
            "loss": rg.PairwiseHingeLoss(),
            "list_scale": "sum",
            "hessian": "positive",
            "min_hessian": 1.0,
        }
        yield f"{bridge.__name__}.objective", bridge.objective, options
        options = {"k": 3, "gain": "exp2", "ties": "first", "empty": 0.0}
        yield f"{bridge.__name__}.metric", bridge.metric, options
    data = {"y_true": LABELS, "y_pred": SCORES, "weight": np.ones(8), "group": GROUPS}
    yield "lightgbm call", lightgbm.objective(rg.PairwiseHingeLoss()), data
    yield "lightgbm metric call", lightgbm.metric(), data


def _threads(n: Any) -> None:
    with rg.threads(n):
        pass


TARGETS = {
    "losses": loss_targets,
    "constructors": constructor_targets,
    "implicit": implicit_targets,
    "others": other_targets,
}


def verdict(function: Callable[..., Any], arguments: Arguments, changed: str) -> str | None:
    """None for a result or an error that names what was changed, else what happened."""
    try:
        function(**arguments)
    except (ValueError, TypeError) as error:
        words = rf"\b({changed}|{ALSO.get(changed, changed)})"
        return None if re.search(words, str(error)) else f"says only {type(error).__name__}: {error}"
    except Exception as error:
        return f"raised {type(error).__name__}: {error}"
    return None


@pytest.mark.parametrize("family", TARGETS)
def test_every_argument(family: str, figure: Callable[[str, str], None]) -> None:
    wrong, calls, values = [], 0, hostile_values()
    assert rg.select_isa(rg.isa_levels()[-1])
    for name, function, base in TARGETS[family]():
        function(**base)
        for argument in base:
            for text, value in values.items():
                calls += 1
                found = verdict(function, {**base, argument: value}, argument)
                if found is not None:
                    wrong.append(f"{name}({argument}={text}): {found}"[:300])
    figure("every argument", f"{family} {calls} calls, {len(wrong)} wrong")
    assert not wrong, "\n".join(wrong[:100]) + f"\n{len(wrong)} of {calls}"


def test_no_parameter_is_left_out() -> None:
    for targets in TARGETS.values():
        for name, function, base in targets():
            for p in inspect.signature(function).parameters.values():
                if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL):
                    assert p.name in {*base, *FREE, "margin"}, name
