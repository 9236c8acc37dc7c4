"""Hostile inputs of the implicit losses and of `ranking_softmax_loss`, whose arguments are their own."""

from __future__ import annotations

from typing import Any

import numpy as np

from hostile_inputs import INF, NAN, SCORES, Arguments, Case, OnAnotherDevice, harmless_data, put, wrong_data

IMPLICIT, SOFTMAX = "implicit", "softmax"

POSITIVE = SCORES
NEGATIVE = np.arange(24.0).reshape(3, 8) / 7 - 1.5
ITEMS = np.array([0, 1, 2, 3, 0, 1, 2, 3])
GENRES = np.array([7, 7, 3, 3])


def implicit_base() -> Arguments:
    return {
        "positive_scores": POSITIVE,
        "negative_scores": NEGATIVE,
        "num_items": 100,
        "positive_items": ITEMS,
        "negative_items": np.tile(ITEMS[::-1], (3, 1)),
        "metadata": {"genre": GENRES},
        "metadata_weights": {"genre": 0.5},
    }


def implicit_cases() -> list[Case]:
    who = frozenset({IMPLICIT})
    negative, positive = r"negative_scores", r"positive_scores"
    items = np.tile(ITEMS, (3, 1))
    metadata: dict[str, dict[str, Any]] = {
        "without a weight": {"metadata_weights": None},
        "without categories": {"metadata": None},
        "weights past 1": {"metadata_weights": {"genre": 1.5}},
        "weight NaN": {"metadata_weights": {"genre": NAN}},
        "weight of another": {"metadata_weights": {"genres": 0.5}},
        "categories as strings": {"metadata": {"genre": ["a", "b", "c", "d"]}},
        "categories of rank 2": {"metadata": {"genre": np.ones((2, 2))}},
        "too few categories": {"metadata": {"genre": GENRES[:3]}},
    }
    where = {"too few categories": r"positive_items.*item 3 at flat index 3\b"}
    changes: dict[str, tuple[Arguments, str]] = {
        **{f"positive: {k}": ({"positive_scores": v}, positive) for k, v in wrong_data(POSITIVE).items()},
        **{f"metadata: {k}": (v, where.get(k, "metadata")) for k, v in metadata.items()},
        "positive: NaN": ({"positive_scores": put(POSITIVE, 3, NAN)}, rf"{positive}.*NaN.*index 3\b"),
        "positive: infinity": (
            {"positive_scores": put(POSITIVE, 2, INF)},
            rf"{positive}.*infinity.*index 2\b",
        ),
        "positive: -infinity": (
            {"positive_scores": put(POSITIVE, 6, -INF)},
            rf"{positive}.*infinity.*index 6\b",
        ),
        "positive: empty": ({"positive_scores": POSITIVE[:0]}, positive),
        "positive: of rank 2": ({"positive_scores": NEGATIVE}, positive),
        "negative: NaN": ({"negative_scores": put(NEGATIVE, (1, 5), NAN)}, rf"{negative}.*NaN.*\(1, 5\)"),
        "negative: infinity": (
            {"negative_scores": put(NEGATIVE, (2, 0), INF)},
            rf"{negative}.*infinity.*\(2, 0\)",
        ),
        "negative: transposed": ({"negative_scores": NEGATIVE.T}, negative),
        "negative: no rows": ({"negative_scores": NEGATIVE[:0]}, rf"{negative}|negative_items"),
        "negative: of rank 3": ({"negative_scores": NEGATIVE[None]}, negative),
        "negative: objects": ({"negative_scores": NEGATIVE.astype(object)}, negative),
        "negative: None": ({"negative_scores": None}, negative),
        "negative: another device": ({"negative_scores": OnAnotherDevice()}, negative),
        "positive_items: too large": (
            {"positive_items": put(ITEMS, 4, 4)},
            r"positive_items.*item 4 at flat index 4\b",
        ),
        "positive_items: negative": (
            {"positive_items": put(ITEMS, 1, -1)},
            r"positive_items.*item -1 at flat index 1\b",
        ),
        "positive_items: huge": ({"positive_items": put(ITEMS, 0, 2**62)}, r"positive_items.*index 0\b"),
        "positive_items: floats": ({"positive_items": ITEMS + 0.5}, r"positive_items.*index 0\b.*0\.5"),
        "positive_items: too few": ({"positive_items": ITEMS[:7]}, "positive_items"),
        "positive_items: missing": ({"positive_items": None}, "positive_items"),
        "negative_items: too large": (
            {"negative_items": put(items, (2, 1), 99)},
            r"negative_items.*item 99 at flat index 17\b",
        ),
        "negative_items: -1": (
            {"negative_items": put(items, (0, 2), -1)},
            r"negative_items.*item -1 at flat index 2\b",
        ),
        "negative_items: of another shape": ({"negative_items": items.T}, "negative_items"),
        "negative_items: unsigned wrap": (
            {"negative_items": put(items.astype(np.uint64), (0, 1), 2**64 - 1)},
            r"negative_items.*index 1\b",
        ),
        "sample_weight: NaN": ({"sample_weight": put(np.ones(8), 5, NAN)}, r"sample_weight.*NaN.*index 5\b"),
        "sample_weight: too few": ({"sample_weight": np.ones(7)}, "sample_weight"),
        "sample_weight: objects": ({"sample_weight": np.array([None] * 8)}, "sample_weight"),
        "margin: NaN": ({"margin": NAN}, "margin.*nan"),
        "margin: infinity in one": ({"margin": put(np.ones(8), 7, INF)}, r"margin.*infinity.*index 7\b"),
        "margin: too few": ({"margin": np.ones(3)}, "margin"),
        "reduction: unknown": ({"reduction": "mean_over_pairs"}, "reduction.*mean_over_pairs"),
        "n_threads: 0": ({"n_threads": 0}, "n_threads"),
        "cotangent: of the wrong shape": ({"cotangent": np.ones(8)}, "cotangent"),
        "cotangent: NaN in one": (
            {"cotangent": put(np.ones(8), 2, NAN), "reduction": "none"},
            r"cotangent.*index 2\b",
        ),
        "groups and offsets": (
            {
                "groups": [3] * 8,
                "offsets": np.arange(0, 25, 3),
                "negative_scores": NEGATIVE.ravel(),
                "negative_items": items.ravel(),
            },
            "groups and offsets|offsets and groups",
        ),
        "groups: too few lists": (
            {"groups": [12, 12], "negative_scores": NEGATIVE.ravel(), "negative_items": items.ravel()},
            "groups",
        ),
        "groups: with (K, B)": ({"groups": [3] * 8}, negative),
        "offsets: decreasing": (
            {
                "offsets": [0, 9, 6, 9, 12, 15, 18, 21, 24],
                "negative_scores": NEGATIVE.ravel(),
                "negative_items": items.ravel(),
            },
            r"offsets.*\b2\b",
        ),
        "offsets: past the end": (
            {
                "offsets": [0, 3, 6, 9, 12, 15, 18, 99, 24],
                "negative_scores": NEGATIVE.ravel(),
                "negative_items": items.ravel(),
            },
            r"offsets.*\b7\b",
        ),
        "out: a list": ({"out": [np.zeros(8), np.zeros((3, 8))]}, "out"),
        "out: transposed": ({"out": (np.zeros(8), np.zeros((8, 3)))}, "out"),
        "out: the scores": ({"out": (POSITIVE, np.zeros((3, 8)))}, "out.*overlap"),
        "out: read-only": ({"out": (np.zeros(8), np.broadcast_to(0.0, (3, 8)))}, "out"),
    }
    cases = [Case(name, change, pattern, who=who) for name, (change, pattern) in changes.items()]
    cases += [
        Case(f"positive: {k}", {"positive_scores": v}, same_as={}, who=who)
        for k, v in harmless_data(POSITIVE).items()
    ]
    cases += [
        Case(
            "negative: -infinity is none",
            {"negative_scores": put(NEGATIVE, 2, -INF)},
            same_as={
                "negative_scores": put(NEGATIVE, 2, -INF),
                "negative_items": put(np.tile(ITEMS[::-1], (3, 1)), 2, 0),
            },
            who=who,
        ),
        Case(
            "negative: Fortran order", {"negative_scores": np.asfortranarray(NEGATIVE)}, same_as={}, who=who
        ),
    ]
    return cases


def softmax_base() -> Arguments:
    return {"logits": SCORES.reshape(2, 4), "labels": np.arange(8.0).reshape(2, 4), "reduction": "sum"}


def softmax_cases() -> list[Case]:
    who = frozenset({SOFTMAX})
    x = SCORES.reshape(2, 4)
    changes: dict[str, tuple[Arguments, str]] = {
        **{f"logits: {k}": ({"logits": v}, "logits") for k, v in wrong_data(SCORES).items()},
        "logits: integers": ({"logits": np.ones((2, 4), int)}, "logits.*int"),
        "logits: a number": ({"logits": 1.0}, "logits"),
        "logits: NaN": ({"logits": put(x, (1, 2), NAN), "nan": "raise"}, r"logits.*NaN.*index 6\b"),
        "logits: of another length": ({"logits": x[:, :3]}, "logits"),
        "labels: of another shape": ({"labels": np.ones((3, 4))}, "labels"),
        "labels: NaN": ({"labels": put(x, (0, 1), NAN), "nan": "raise"}, r"labels.*NaN.*index 1\b"),
        "labels: strings": ({"labels": [["a"] * 4] * 2}, "labels"),
        "labels: objects": ({"labels": x.astype(object)}, "labels"),
        "where: numbers": ({"where": np.ones((2, 4))}, "where"),
        "where: of another shape": ({"where": np.ones((5, 4), bool)}, "where"),
        "where: objects": ({"where": np.array([[None] * 4] * 2)}, "where"),
        "weights: NaN": (
            {"weights": put(np.ones((2, 4)), (0, 3), NAN), "nan": "raise"},
            r"weights.*index 3\b",
        ),
        "weights: of another shape": ({"weights": np.ones(3)}, "weights"),
        "weights: strings": ({"weights": ["a"] * 4}, "weights"),
        "reduction: unknown": ({"reduction": "total"}, "reduction.*total"),
        "nan: unknown": ({"nan": "skip"}, "nan.*skip"),
        "n_threads: 0": ({"n_threads": 0}, "n_threads"),
    }
    cases = [Case(name, change, pattern, who=who) for name, (change, pattern) in changes.items()]
    hidden = np.array([[True] * 4, [True, True, False, True]])
    return [
        *cases,
        Case(
            "logits: NaN behind where",
            {"logits": put(x, (1, 2), NAN), "where": hidden},
            same_as={"where": hidden},
            who=who,
        ),
        Case("logits: big-endian", {"logits": x.astype(">f8")}, same_as={}, who=who),
        Case("logits: Fortran order", {"logits": np.asfortranarray(x)}, same_as={}, who=who),
        Case(
            "labels: big-endian", {"labels": np.arange(8.0).reshape(2, 4).astype(">f4")}, same_as={}, who=who
        ),
    ]
