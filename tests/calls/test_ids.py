"""Ids of lists in every container and type that people hold them in; none may be missing."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from typing import Any
from uuid import UUID

import numpy as np
import pytest
import rankgrad as rg
from hypothesis import given
from hypothesis import strategies as st
from rankgrad.lists import offsets_of

#: Two ids that differ, of each kind of object; those that NumPy or a lesser type would take for one are of interest.
PAIRS: dict[str, tuple[Any, Any]] = {
    "text": ("a", "b"),
    "bytes": (b"a", b"b"),
    "small integers": (1, 2),
    "integers past 2^63": (2**63 + 1, 2**63 + 3),
    "integers of either side": (2**63 + 1, -1),
    "integers past 2^64": (2**70, 2**70 + 1),
    "floats": (0.5, 0.25),
    "booleans": (True, False),
    "a number and its text": (1, "1"),
    "dates": (date(2020, 1, 31), date(2020, 2, 29)),
    "times": (datetime(2020, 1, 31), datetime(2020, 1, 31, 1)),
    "differences": (timedelta(1), timedelta(2)),
    "NumPy's dates": (np.datetime64("2020-01-31"), np.datetime64("2020-02-29")),
    "UUIDs": (UUID(int=1), UUID(int=2)),
    "decimals": (Decimal("1.1"), Decimal("1.2")),
    "fractions": (Fraction(1, 3), Fraction(2, 3)),
    "composite": (("a", 1), ("a", 2)),
}


def object_array(ids: list[Any]) -> Any:
    out = np.empty(len(ids), dtype=object)
    for i, x in enumerate(ids):
        out[i] = x
    return out


@pytest.mark.parametrize("kind", PAIRS)
@pytest.mark.parametrize("make", [list, tuple, object_array])
def test_objects(kind: str, make: Callable[[list[Any]], Any]) -> None:
    a, b = PAIRS[kind]
    assert offsets_of((5,), qid=make([a] * 3 + [b] * 2)).tolist() == [0, 3, 5]
    with pytest.raises(ValueError, match=r"qid: .*index 3 was seen before"):
        offsets_of((5,), qid=make([a, a, b, a, b]))


def pandas_forms() -> dict[str, Any]:
    pd = pytest.importorskip("pandas")
    days = pd.to_datetime(["2020-01-31"] * 3 + ["2020-02-29"] * 2)
    text = list("aaabb")
    return {
        "default": pd.Series(text),
        "objects": pd.Series(text, dtype=object),
        "python strings": pd.Series(text, dtype=pd.StringDtype("python")),
        "categories": pd.Series(text).astype("category"),
        "categorical": pd.Categorical(text, ordered=True),
        "categories of numbers": pd.Categorical([5, 5, 5, 2, 2]),
        "index": pd.Index(text),
        "several columns": pd.MultiIndex.from_tuples([(x, 1) for x in text]),
        "dates": pd.Series(days),
        "time zone": pd.Series(days.tz_localize("Europe/Berlin")),
        "time stamps": list(days.tz_localize("UTC")),
        "periods": days.to_period("D"),
        "differences": days - days[0],
        "intervals": pd.cut([1, 1, 1, 5, 5], [0, 2, 6]),
        "nullable integers": pd.Series([2**60] * 3 + [2**60 + 1] * 2, dtype="Int64"),
        "nullable booleans": pd.Series([True] * 3 + [False] * 2, dtype="boolean"),
    }


def arrow_forms() -> dict[str, Any]:
    pa = pytest.importorskip("pyarrow")
    text = pa.array(list("aaabb"))
    return {
        "text": text,
        "sliced": pa.array(list("zaaabb"))[1:],
        "chunks": pa.chunked_array([text[:2], text[2:]]),
        "dictionary": text.dictionary_encode(),
        "times": pa.array(
            [datetime(2020, 1, 31)] * 3 + [datetime(2020, 2, 29)] * 2, pa.timestamp("us", "UTC")
        ),
        "unsigned": pa.array([2**63 + 1] * 3 + [2**63 + 3] * 2, pa.uint64()),
    }


def polars_forms() -> dict[str, Any]:
    pl = pytest.importorskip("polars")
    text = list("aaabb")
    return {
        "text": pl.Series(text),
        "categories": pl.Series(text, dtype=pl.Categorical),
        "dates": pl.Series([date(2020, 1, 31)] * 3 + [date(2020, 2, 29)] * 2),
        "unsigned": pl.Series([2**63 + 1] * 3 + [2**63 + 3] * 2, dtype=pl.UInt64),
    }


def numpy_forms() -> dict[str, Any]:
    text = np.array(list("aaabb"))
    numbers = np.array([1, 1, 1, 0, 0])
    kinds = ("i1", "u8", "f2", "f4", "f8", "g", "?", ">i4", "M8[D]", "m8[s]")
    strings = {"T": text.astype(np.dtypes.StringDType())} if hasattr(np.dtypes, "StringDType") else {}
    return {"U": text, "S": text.astype("S"), **strings, **{kind: numbers.astype(kind) for kind in kinds}}


@pytest.mark.parametrize("forms", [numpy_forms, pandas_forms, arrow_forms, polars_forms])
def test_columns(forms: Callable[[], dict[str, Any]]) -> None:
    loss, y, s = rg.PairwiseLogisticLoss(reduction="sum"), [2, 0, 1, 1, 0], [0.1, 0.4, 0.2, 0.9, 0.3]
    for name, ids in forms().items():
        assert loss(y, s, qid=ids) == loss(y, s, groups=[3, 2]), name
        assert rg.ndcg(y, s, qid=ids) == rg.ndcg(y, s, groups=[3, 2]), name


def missing_forms() -> dict[str, Any]:
    nan, nat = float("nan"), np.datetime64("NaT")
    forms = {
        "None": ["a"] * 3 + [None] * 2,
        "NaN among text": ["a"] * 3 + [nan] * 2,
        "objects": np.array(["a"] * 3 + [nan] * 2, dtype=object),
        "floats": [1.0] * 3 + [nan] * 2,
        "decimals": [Decimal(1)] * 3 + [Decimal("NaN")] * 2,
        "dates": np.array(["2020-01-31"] * 3 + ["NaT"] * 2, "M8[D]"),
        "dates in a list": [np.datetime64("2020-01-31")] * 3 + [nat] * 2,
        "differences": np.array([1, 1, 1, "NaT", "NaT"], "m8[s]"),
    }
    pd = pytest.importorskip("pandas")
    days = pd.Series(pd.to_datetime(["2020-01-31"] * 3 + [None] * 2))
    return forms | {
        "series": pd.Series(["a"] * 3 + [None] * 2),
        "categories": pd.Categorical(["a"] * 3 + [None] * 2),
        "categories of numbers": pd.Categorical([1, 1, 1, None, None]),
        "NaT": days,
        "NaT in a time zone": days.dt.tz_localize("UTC"),
        "NA": ["a"] * 3 + [pd.NA] * 2,
        "nullable integers": pd.Series([1, 1, 1, None, None], dtype="Int64"),
        "nullable booleans": pd.Series([True] * 3 + [None] * 2, dtype="boolean"),
    }


def test_missing_ids() -> None:
    for ids in missing_forms().values():
        with pytest.raises(ValueError, match=r"qid: is missing .*index 3\b"):
            offsets_of((5,), qid=ids)


@given(st.lists(st.sampled_from(["a", "1", 1, 2**70, b"a", 0.5, (1, 2), None])))
def test_offsets_are_those_of_the_runs(ids: list[Any]) -> None:
    runs = [(x, len(list(run))) for x, run in groupby(ids)]
    if len({x for x, _ in runs}) < len(runs) or None in ids:
        with pytest.raises(ValueError, match="qid"):
            offsets_of((len(ids),), qid=ids)
    else:
        expected = np.cumsum([0, *(size for _, size in runs)])
        np.testing.assert_array_equal(offsets_of((len(ids),), qid=ids), expected)


def test_numbers_take_no_detour() -> None:
    """A million ids of numbers: tens of milliseconds, where objects take a second."""
    ids = np.repeat(np.arange(10**5), 10)
    best = np.inf
    for _ in range(3):
        start = time.perf_counter()
        offsets_of(ids.shape, qid=ids)
        best = min(best, time.perf_counter() - start)
    assert best < 0.25
