"""Wrong offsets, groups and ids raise an error that names the first bad place."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wrong_input import LABELS, LOSS, SCORES, WIDE_LABELS, WIDE_SCORES, WRONG, call_all

pytestmark = pytest.mark.usefixtures("isa")


@pytest.mark.parametrize(
    ("offsets", "place"),
    [
        ([0, 5, 3, 8], r"\b2\b"),
        ([0, -1, 8], r"\b1\b"),
        ([0, 3, 9], r"\b9\b"),
        ([0, 9, 8], "index 1 holds 9, past the end of the 8 items"),
        ([0, 3, 2**63 - 1], str(2**63 - 1)),
        ([0, 2**63 - 1, 8], f"index 1 holds {2**63 - 1}, past the end of the 8 items"),
        (np.array([0, 2**63, 8], dtype=np.uint64), f"index 1 holds {2**63}, past the range of int64"),
        (np.array([0, 2**64 - 1, 8], dtype=np.uint64), r""),
        ([0, 3, 7], r"\b7\b.*\b8\b|\b8\b.*\b7\b"),
        ([1, 8], r"\b1\b"),
        ([-(2**63), 8], r""),
        ([0], r""),
        ([], r""),
        ([[0, 3, 8]], r""),
        (8, r""),
        ([0.0, 3.5, 8.0], r"index 1 holds 3\.5"),
        ([0.0, np.nan, 8.0], r"index 1 holds nan"),
        ([False, True], r"bool"),
        (["0", "8"], r""),
        (np.array([0, 8], dtype="m8[s]"), r""),
        (np.array([0, 8], dtype=object), r""),
        (np.ma.masked_array([0, 3, 8], [0, 1, 0]), r""),
    ],
    ids=repr,
)
def test_offsets(offsets: Any, place: str) -> None:
    with pytest.raises(WRONG, match=rf"offsets.*{place}"):
        call_all(LABELS, SCORES, offsets=offsets)


@pytest.mark.parametrize(
    ("groups", "place"),
    [
        ([3, 4], r"\b7\b.*\b8\b|\b8\b.*\b7\b"),
        ([3, 6], r"\b9\b.*\b8\b|\b8\b.*\b9\b"),
        ([3, -1, 6], r"\b1\b"),
        ([-1, 9], r"\b0\b|-1"),
        ([2**62, 2**62, 2**62, 2**62, 8], r""),  # the sum is 8 again in 64 bits
        ([2**63 - 1, 2**63 - 1, 10], r""),  # also
        ([2**32 + 8], r""),
        (np.array([2**64 - 1, 9], dtype=np.uint64), f"index 0 holds {2**64 - 1}, past the range of int64"),
        ([], r""),
        ([[3, 5]], r""),
        (8, r""),
        ([2.5, 5.5], r"index 0 holds 2\.5"),
        ([3.0, np.nan], r"index 1 holds nan"),
        ([True] * 8, r"bool"),
        (["3", "5"], r""),
        (np.array([3, 5], dtype=object), r""),
        (np.ma.masked_array([3, 5], [0, 1]), r""),
    ],
    ids=repr,
)
def test_groups(groups: Any, place: str) -> None:
    with pytest.raises(WRONG, match=rf"groups.*({place})"):
        call_all(LABELS, SCORES, groups=groups)


@pytest.mark.parametrize(
    ("qid", "place"),
    [
        ([5, 5, 2, 2, 5, 5, 5, 5], r"\b4\b"),
        ([1, 2, 1, 2, 1, 2, 1, 2], r"\b2\b"),
        ([5] * 7, r"\b7\b.*\b8\b|\b8\b.*\b7\b"),
        ([[5] * 8], r""),
        ([5.0, 5.0, np.nan, np.nan, 5.0, 5.0, 5.0, 5.0], r""),
        (np.array([1] * 8, dtype=complex), r""),
        (5, r""),
    ],
    ids=repr,
)
def test_qid(qid: Any, place: str) -> None:
    with pytest.raises(WRONG, match=rf"qid.*({place})"):
        call_all(LABELS, SCORES, qid=qid)


def test_first_item_of_a_torn_query_is_named() -> None:
    with pytest.raises(ValueError, match=r"qid.*\b2\b"):
        LOSS([1, 0, 1], [0.1, 0.2, 0.3], qid=[5, 2, 5])
    assert LOSS([1, 0, 1, 0], [0.1, 0.2, 0.3, 0.4], qid=[5, 5, 2, 2]) > 0


@pytest.mark.parametrize(
    "forms",
    [
        {"groups": [8], "offsets": [0, 8]},
        {"groups": [8], "qid": [1] * 8},
        {"offsets": [0, 8], "qid": [1] * 8},
        {"groups": [8], "offsets": [0, 8], "qid": [1] * 8},
    ],
)
def test_only_one_form_of_lists(forms: dict[str, Any]) -> None:
    with pytest.raises(WRONG, match=".*".join(forms)):
        call_all(LABELS, SCORES, **forms)


@pytest.mark.parametrize("form", [{"groups": [4, 4]}, {"offsets": [0, 4, 8]}, {"qid": [1] * 4 + [2] * 4}])
def test_padded_arrays_take_no_lists(form: dict[str, Any]) -> None:
    with pytest.raises(WRONG, match=next(iter(form))):
        call_all(WIDE_LABELS, WIDE_SCORES, **form)


@given(data=st.data(), sizes=st.lists(st.integers(0, 5), min_size=1, max_size=6))
def test_offsets_are_taken_exactly_when_they_are_right(data: st.DataObject, sizes: list[int]) -> None:
    """Right offsets, then up to two entries changed: the rule in Python and the check of the core agree."""
    offsets = [0, *np.cumsum(sizes).tolist()]
    n = offsets[-1]
    odd = st.one_of(st.integers(-3, n + 3), st.sampled_from([2**31, 2**32 + 1, 2**63 - 1, -(2**63)]))
    for _ in range(data.draw(st.integers(0, 2))):
        offsets[data.draw(st.integers(0, len(offsets) - 1))] = data.draw(odd)
    right = offsets[0] == 0 and offsets[-1] == n and all(a <= b for a, b in pairwise(offsets))
    labels, scores = np.resize(LABELS, n), np.resize(SCORES, n)
    if right:
        expected = sum(LOSS(labels[a:b], scores[a:b]) for a, b in pairwise(offsets))
        assert LOSS(labels, scores, offsets=offsets) == pytest.approx(expected, rel=1e-12)
    else:
        with pytest.raises(ValueError, match="offsets"):
            LOSS(labels, scores, offsets=offsets)
