"""Inputs that are wrong, odd or malicious, each with what has to happen.

A case changes arguments of a call that is right. Either it `raises` ValueError or TypeError with a message that the
pattern is found in (the argument's name, then the first bad place), or it gives bit for bit the results of the
arguments `same_as`: that is what the documentation says of it.
"""

from __future__ import annotations

import array
from dataclasses import dataclass
from typing import Any

import numpy as np

Arguments = dict[str, Any]

LABELS = np.array([2.0, 0.0, 1.0, 0.0, 1.0, 3.0, 0.0, 1.0])
SCORES = np.array([0.3, -0.2, 1.5, 0.9, -1.1, 0.4, 0.8, -0.6])
GROUPS = np.array([3, 5])
NAN, INF = float("nan"), float("inf")

#: Who takes the arguments: losses over lists, metrics, the bridges to LightGBM and XGBoost.
LOSSES, METRICS, LIGHTGBM, XGBOOST = "losses", "metrics", "lightgbm", "xgboost"
EVERYONE = frozenset({LOSSES, METRICS, LIGHTGBM, XGBOOST})
NOT_XGBOOST = EVERYONE - {XGBOOST}  # a DMatrix has its own ways with arrays, and refuses with its own words
DIRECT = frozenset({LOSSES, METRICS})

SCORE, LABEL, WEIGHT = r"scores|y_pred", r"labels?|y_true", r"sample_weight|weight"


@dataclass(frozen=True)
class Case:
    """`change` replaces arguments; None removes one."""

    name: str
    change: Arguments
    raises: str | None = None
    same_as: Arguments | None = None
    who: frozenset[str] = EVERYONE

    def __post_init__(self) -> None:
        assert (self.raises is None) != (self.same_as is None), self.name


def put(x: Any, place: int, value: Any) -> Any:
    out = np.array(x)
    out[place] = value
    return out


def misaligned(x: Any) -> Any:
    raw = np.zeros(x.nbytes + 1, dtype=np.uint8)
    out = raw[1:].view(x.dtype)
    out[:] = x
    assert x.size == 0 or not out.flags.aligned
    return out


def read_only(x: Any) -> Any:
    out = x.copy()
    out.flags.writeable = False
    return out


class OnAnotherDevice:
    """What a tensor on a GPU shows of itself."""

    def __dlpack_device__(self) -> tuple[int, int]:
        return (2, 0)


class NoArray:
    """Says that it is an array, and gives something else."""

    def __array__(self, *arguments: Any, **options: Any) -> Any:
        return "no array"


class Subclass(np.ndarray[Any, Any]):
    """A subclass that claims more than it has."""

    @property
    def size(self) -> int:
        return 10**9


def wrong_data(x: Any) -> dict[str, Any]:
    """Things that are no numbers, for any argument that wants one number per item."""
    return {
        "complex": x.astype(complex),
        "objects": x.astype(object),
        "strings": x.astype(str),
        "bytes": x.astype("S4"),
        "dates": x.astype("M8[s]"),
        "time differences": x.astype("m8[s]"),
        "records": np.zeros(8, dtype=[("a", "f8")]),
        "a masked array": np.ma.masked_array(x, x > 1),
        "a ragged nested list": [[1.0, 2.0], [3.0]],
        "a dict without labels": {"a": 1},
        "a set": {1.0, 2.0},
        "a generator": (v for v in [1.0, 2.0]),
        "a string": "12345678",
        "integers past 64 bits": [10**30] * 8,
        "another device": OnAnotherDevice(),
        "no array after all": NoArray(),
    }


def harmless_data(x: Any) -> dict[str, Any]:
    """Odd forms of the same numbers, for any argument."""
    wide = np.zeros((8, 2))
    wide[:, 0] = x
    return {
        "big-endian": x.astype(">f8"),
        "misaligned": misaligned(x),
        "strided": wide[:, 0],
        "reversed": x[::-1].copy()[::-1],
        "read-only": read_only(x),
        "a list": x.tolist(),
        "a tuple": tuple(x.tolist()),
        "an array.array": array.array("d", x.tolist()),
        "a memoryview": memoryview(x),
        "long double": x.astype(np.longdouble),
        "a subclass that lies": x.view(Subclass),
    }


def shapes(x: Any) -> dict[str, Any]:
    return {
        "one short": x[:7],
        "one long": np.append(x, 0.0),
        "empty": x[:0],
        "a number": 1.0,
        "of rank 3": x.reshape(2, 2, 2),
        "a column": x[:, None],
    }


def about_scores() -> list[Case]:
    cases = [Case(f"scores: {k}", {"scores": v}, SCORE) for k, v in wrong_data(SCORES).items()]
    cases += [
        Case(f"scores: {k}", {"scores": v}, same_as={}, who=NOT_XGBOOST)
        for k, v in harmless_data(SCORES).items()
    ]
    cases += [
        Case(f"scores: {k}", {"scores": v}, rf"({SCORE}|labels).*shape|\b{np.shape(v)}")
        for k, v in shapes(SCORES).items()
    ]
    cases += [
        Case("scores: None", {"scores": None}, SCORE, who=DIRECT),
        Case("scores: booleans", {"scores": SCORES > 0}, SCORE),
        Case("scores: NaN", {"scores": put(SCORES, 3, NAN)}, rf"({SCORE}).*(NaN.*index 3\b|index 3\b.*NaN)"),
        Case(
            "scores: first NaN of two", {"scores": put(put(SCORES, 6, NAN), 2, NAN)}, rf"({SCORE}).*index 2\b"
        ),
        Case("scores: all NaN", {"scores": SCORES * NAN}, rf"({SCORE}).*index 0\b"),
        Case("scores: signalling NaN", {"scores": _signalling_nan(4)}, rf"({SCORE}).*index 4\b"),
    ]
    infinite = EVERYONE - {METRICS}  # metrics rank infinite scores like others
    cases += [
        Case(
            "scores: infinity",
            {"scores": put(SCORES, 5, INF)},
            rf"({SCORE}).*infinity.*index 5\b",
            who=infinite,
        ),
        Case(
            "scores: -infinity",
            {"scores": put(SCORES, 7, -INF)},
            rf"({SCORE}).*infinity.*index 7\b",
            who=infinite,
        ),
        Case(
            "scores: infinity ranks first",
            {"scores": put(SCORES, 5, INF)},
            same_as={"scores": put(SCORES, 5, 1e9)},
            who=frozenset({METRICS}),
        ),
        Case(
            "scores: NaN behind the mask",
            masked(3, scores=put(SCORES, 3, NAN)),
            same_as=masked(3),
            who=DIRECT,
        ),
        Case(
            "scores: infinity behind the mask",
            masked(5, scores=put(SCORES, 5, INF)),
            same_as=masked(5),
            who=DIRECT,
        ),
        Case(
            "scores: NaN beside a negative label",
            {"labels": put(LABELS, 3, -1), "scores": put(SCORES, 3, NAN)},
            same_as={"labels": put(LABELS, 3, -1)},
            who=DIRECT,
        ),
    ]
    return cases


def masked(item: int, **changes: Any) -> Arguments:
    return {"labels": {"labels": LABELS, "mask": np.arange(8) != item}, **changes}


def _signalling_nan(place: int) -> Any:
    bits = SCORES.copy().view(np.uint64)
    bits[place] = 0x7FF0000000000001
    return bits.view(np.float64)


def about_labels() -> list[Case]:
    cases = [
        Case(f"labels: {k}", {"labels": v}, LABEL, who=NOT_XGBOOST) for k, v in wrong_data(LABELS).items()
    ]
    cases += [
        Case(f"labels: {k}", {"labels": v}, same_as={}, who=NOT_XGBOOST)
        for k, v in harmless_data(LABELS).items()
    ]
    cases += [
        Case(f"labels: {k}", {"labels": v}, rf"({SCORE}|{LABEL}|groups)", who=NOT_XGBOOST)
        for k, v in shapes(LABELS).items()
    ]
    bad_mask = rf"mask|{LABEL}"
    cases += [
        Case("labels: None", {"labels": None}, LABEL, who=DIRECT),
        Case(
            "labels: NaN",
            {"labels": put(LABELS, 2, NAN)},
            rf"({LABEL}).*(NaN.*\b2\b|\b2\b.*nan)",
            who=NOT_XGBOOST,
        ),
        Case("labels: integers", {"labels": LABELS.astype(np.int8)}, same_as={}, who=NOT_XGBOOST),
        Case("labels: unsigned", {"labels": LABELS.astype(np.uint64)}, same_as={}, who=NOT_XGBOOST),
        Case("labels: -0.0 is 0", {"labels": np.where(LABELS == 0, -0.0, LABELS)}, same_as={}),
        Case(
            "labels: negative",
            {"labels": put(LABELS, 4, -1)},
            rf"({LABEL}).*\b4\b.*negative",
            who=frozenset({LIGHTGBM, XGBOOST}),
        ),
        Case(
            "labels: all ignored",
            {"labels": LABELS * 0 - 1, "scores": SCORES * NAN},
            same_as={"labels": LABELS * 0 - 1},
            who=DIRECT,
        ),
        Case("mask: wrong shape", {"labels": {"labels": LABELS, "mask": np.ones(7)}}, bad_mask, who=DIRECT),
        Case("mask: strings", {"labels": {"labels": LABELS, "mask": ["a"] * 8}}, bad_mask, who=DIRECT),
        Case(
            "mask: objects",
            {"labels": {"labels": LABELS, "mask": np.array([None] * 8)}},
            bad_mask,
            who=DIRECT,
        ),
        Case(
            "mask: a masked array",
            {"labels": {"labels": LABELS, "mask": np.ma.ones(8)}},
            bad_mask,
            who=DIRECT,
        ),
        Case(
            "mask: numbers but 0 are true",
            {"labels": {"labels": LABELS, "mask": put(np.full(8, -0.5), 3, 0)}},
            same_as=masked(3),
            who=DIRECT,
        ),
        Case("mask: without labels", {"labels": {"mask": np.ones(8)}}, r"labels.*mask", who=DIRECT),
    ]
    return cases


def about_weights() -> list[Case]:
    only_losses = frozenset({LOSSES})
    rows = frozenset({LIGHTGBM})
    name = WEIGHT
    weights = np.array([[1.0], [2.0]])
    cases = [
        Case(f"sample_weight: {k}", {"sample_weight": v}, name, who=only_losses)
        for k, v in wrong_data(SCORES).items()
    ]
    cases += [
        Case(
            "sample_weight: NaN",
            {"sample_weight": put(weights, 1, NAN)},
            rf"({name}).*NaN.*\b1\b",
            who=only_losses,
        ),
        Case(
            "sample_weight: infinity",
            {"sample_weight": put(weights, 0, INF)},
            rf"({name}).*infinity.*\b0\b",
            who=only_losses,
        ),
        Case("sample_weight: NaN, one number", {"sample_weight": NAN}, rf"({name}).*nan", who=only_losses),
        Case(
            "sample_weight: one per list too many", {"sample_weight": np.ones((3, 1))}, name, who=only_losses
        ),
        Case("sample_weight: a row", {"sample_weight": np.ones((1, 8))}, name, who=only_losses),
        Case("sample_weight: of rank 3", {"sample_weight": np.ones((2, 1, 1))}, name, who=only_losses),
        Case(
            "sample_weight: too few", {"sample_weight": np.ones(7)}, name, who=frozenset({LOSSES, LIGHTGBM})
        ),
        Case("weight: of lists", {"sample_weight": np.ones((2, 1))}, "^weight: one weight per row", who=rows),
        Case("weight: NaN", {"sample_weight": put(np.ones(8), 6, NAN)}, r"^weight: NaN.*\b6\b", who=rows),
        Case(
            "weight: infinity", {"sample_weight": put(np.ones(8), 0, INF)}, r"^weight: inf.*\b0\b", who=rows
        ),
        Case(
            "sample_weight: big-endian",
            {"sample_weight": weights.astype(">f8")},
            same_as={"sample_weight": weights},
            who=only_losses,
        ),
        Case(
            "sample_weight: misaligned",
            {"sample_weight": misaligned(weights.ravel()).reshape(2, 1)},
            same_as={"sample_weight": weights},
            who=only_losses,
        ),
    ]
    return cases


def about_lists() -> list[Case]:
    def groups(name: str, value: Any, place: str = "") -> Case:
        return Case(f"groups: {name}", {"groups": value}, rf"groups?.*{place}", who=NOT_XGBOOST)

    def offsets(name: str, value: Any, place: str = "") -> Case:
        return Case(f"offsets: {name}", {"groups": None, "offsets": value}, rf"offsets.*{place}", who=DIRECT)

    def qid(name: str, value: Any, place: str = "") -> Case:
        return Case(f"qid: {name}", {"groups": None, "qid": value}, rf"qid.*{place}", who=DIRECT)

    return [
        groups("sum too small", [3, 4], r"\b7\b.*\b8\b"),
        groups("sum too large", [3, 6], r"\b9\b.*\b8\b"),
        groups("negative", [3, -1, 6], r"\b1\b.*-1"),
        groups("of 2^31", [3, 2**31], r"\b1\b"),
        groups("of 2^32 + 8", [2**32 + 8], r"\b0\b"),
        groups("of 2^63 - 1", [2**63 - 1, 2**63 - 1, 10], r"\b0\b"),
        groups("sum overflows to 8", [2**62, 2**62, 2**62, 2**62, 8], r"\b0\b"),
        groups("past int64", np.array([2**64 - 1, 9], dtype=np.uint64), r"\b0\b"),
        groups("floats that are no whole numbers", [2.5, 5.5], r"\b0\b.*2\.5"),
        groups("NaN", [3.0, NAN], r"\b1\b.*nan"),
        groups("infinity", [3.0, INF], r"\b1\b.*inf"),
        groups("floats past 2^53", [2.0**53 + 2, 5.0], r"\b0\b"),
        groups("negative floats", [3.0, -1.0, 6.0], r"\b1\b.*-1"),
        Case("groups: whole floats", {"groups": [3.0, 5.0]}, same_as={}, who=NOT_XGBOOST),
        Case("groups: half precision", {"groups": np.float16([3, 5])}, same_as={}, who=NOT_XGBOOST),
        groups("booleans", [True] * 8, "bool"),
        groups("strings", ["3", "5"]),
        groups("objects", np.array([3, 5], dtype=object)),
        groups("a masked array", np.ma.masked_array([3, 5], [0, 1])),
        groups("none", []),
        groups("of rank 2", [[3, 5]]),
        groups("a number", 8),
        offsets("decreasing", [0, 5, 3, 8], r"\b2\b"),
        offsets("negative", [0, -1, 8], r"\b1\b"),
        offsets("past the end", [0, 9, 8], r"\b1\b"),
        offsets("huge", [0, 2**62, 8], r"\b1\b"),
        offsets("short of the end", [0, 3, 7], r"\b7\b"),
        offsets("not from 0", [1, 8], r"\b1\b"),
        offsets("one number", [0], ""),
        offsets("none", [], ""),
        offsets("floats that are no whole numbers", [0.0, 3.5, 8.0], r"\b1\b.*3\.5"),
        offsets("NaN", [0.0, NAN, 8.0], r"\b1\b.*nan"),
        offsets("float32 past 2^24", np.float32([0, 2**24 + 2, 8]), r"\b1\b"),
        Case("offsets: whole floats", {"groups": None, "offsets": [0.0, 3.0, 8.0]}, same_as={}, who=DIRECT),
        offsets("of rank 2", [[0, 3, 8]], ""),
        offsets("past int64", np.array([0, 2**63, 8], dtype=np.uint64), r"\b1\b"),
        Case(
            "offsets: big-endian and strided",
            {"groups": None, "offsets": np.array([0, 9, 3, 9, 8], ">i4")[::2]},
            same_as={},
            who=DIRECT,
        ),
        qid("torn", [5, 5, 2, 2, 5, 5, 5, 5], r"\b4\b"),
        qid("too short", [5] * 7, r"\b7,?\b"),
        qid("NaN", [5.0, 5.0, 5.0, NAN, NAN, NAN, NAN, NAN], r"\b3\b"),
        qid("complex", np.ones(8, dtype=complex), ""),
        qid("objects", np.array([None] * 8), ""),
        Case("qid: strings", {"groups": None, "qid": ["b"] * 3 + ["a"] * 5}, same_as={}, who=DIRECT),
        Case("groups and qid", {"qid": [1] * 8}, r"groups and qid", who=DIRECT),
        Case(
            "padded data with groups",
            {"labels": LABELS.reshape(2, 4), "scores": SCORES.reshape(2, 4)},
            "groups",
            who=DIRECT,
        ),
        Case("no groups", {"groups": None}, "group", who=frozenset({LIGHTGBM})),
    ]


def about_options() -> list[Case]:
    only = frozenset({LOSSES})
    out = np.zeros(8)
    wrong_out = {
        "float32": out.astype(np.float32),
        "too short": out[:7],
        "read-only": read_only(out),
        "strided": np.zeros(16)[::2],
        "misaligned": misaligned(out),
        "big-endian": out.astype(">f8"),
        "a list": out.tolist(),
        "a masked array": np.ma.masked_array(out),
        "a tuple": (out,),
    }
    cases = [Case(f"out: {k}", {"out": v}, "out", who=only) for k, v in wrong_out.items()]
    shared = SCORES.copy()
    cases += [
        Case("out: the scores", {"scores": shared, "out": shared}, "out.*overlap", who=only),
        Case("out: part of the scores", _overlapping(), "out.*overlap", who=only),
        Case("cotangent: of the wrong shape", {"cotangent": np.ones(5)}, "cotangent", who=only),
        Case("cotangent: a string", {"cotangent": "1"}, "cotangent", who=only),
        Case("cotangent: objects", {"cotangent": np.array(None)}, "cotangent", who=only),
        Case("vector: too short", {"vector": np.ones(7)}, "vector", who=only),
        Case("vector: NaN", {"vector": put(np.ones(8), 6, NAN)}, r"vector.*index 6\b", who=only),
        Case("vector: infinity", {"vector": put(np.ones(8), 1, INF)}, r"vector.*index 1\b", who=only),
        Case("vector: strings", {"vector": ["a"] * 8}, "vector", who=only),
    ]
    for threads in (0, -1, 1.5, "2", True, 5000, 2**70):
        cases.append(Case(f"n_threads: {threads!r}", {"n_threads": threads}, r"n_threads", who=only))
    for floor in (-1.0, NAN, INF, "0"):
        cases.append(Case(f"min_hessian: {floor!r}", {"min_hessian": floor}, "min_hessian", who=only))
    cases.append(Case("curvature: unknown", {"curvature": "gauss"}, "curvature.*gauss", who=only))
    cases.append(Case("algorithm: unknown", {"algorithm": "quick"}, "algorithm.*quick", who=only))
    metrics = frozenset({METRICS})
    for k in (0, -1, 1.5, "3", NAN, [], [[1]], [5, 0], [5, "3"], True):
        cases.append(Case(f"k: {k!r}", {"k": k}, r"\bk\b", who=metrics))
    cases += [
        Case("k: past 64 bits", {"k": 2**70}, same_as={}, who=metrics),
        Case("k: an array", {"k": np.array([5, 2**62])}, same_as={"k": [5, None]}, who=metrics),
        Case("gain: unknown", {"gain": "exp3"}, "gain.*exp3", who=metrics),
        Case("gain: table too short", {"gain": [0.0, 1.0]}, r"labels.*\b0\b.*gain", who=metrics),
        Case("gain: table of NaN", {"gain": [NAN] * 4}, "gain", who=metrics),
        Case(
            "gain: label of 2000", {"labels": put(LABELS, 5, 2000)}, r"labels.*index 5\b.*gain", who=metrics
        ),
        Case(
            "gain: a label between",
            {"gain": [0.0] * 9, "labels": put(LABELS, 1, 0.5)},
            r"labels.*index 1\b",
            who=metrics,
        ),
        Case("ties: unknown", {"ties": "last"}, "ties.*last", who=metrics),
        Case("empty: unknown", {"empty": "drop"}, "empty.*drop", who=metrics),
    ]
    return cases


def _overlapping() -> Arguments:
    buffer = np.concatenate([SCORES, [0.0]])
    return {"scores": buffer[:8], "out": buffer[1:]}


def all_cases() -> list[Case]:
    cases = [*about_scores(), *about_labels(), *about_weights(), *about_lists(), *about_options()]
    assert len({case.name for case in cases}) == len(cases)
    return cases
