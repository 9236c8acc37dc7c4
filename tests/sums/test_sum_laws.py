"""Laws of every near-linear sum: exact sums in extended precision, the direct sums, shifts, order, masks, threads."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from families import DIRECT_BOUND, FAMILIES, SORTED, Case, Family, labels_of, make_case
from reference import Array

pytestmark = pytest.mark.usefixtures("isa")

DTYPES = [np.float64, np.float32]
PLACES = ((0.01, 0.0), (0.1, 1e4), (1.0, 0.0), (1.0, -1e4), (30.0, 0.0), (1000.0, 0.0))

every_family = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
of_each_kind = pytest.mark.parametrize(
    ("family", "kind"),
    [pytest.param(f, kind, id=f"{f.name}, {kind}") for f in FAMILIES.values() for kind in f.kinds],
)


def hold_all(family: Family, case: Case, items: Array) -> None:
    expected = family.exact(case, items)
    family.hold(case, expected, "fast")
    if not (family.kinked and case.s.dtype == np.float32):  # direct sums round the margins
        family.hold(case, expected, "direct")


@of_each_kind
@pytest.mark.parametrize("dtype", DTYPES)
def test_error_bounds(family: Family, kind: str, dtype: Any, rng: np.random.Generator) -> None:
    """Scales of the scores, and offsets, which take digits of margins only where they take them of scores."""
    n = family.length
    for scale, offset in PLACES:
        case = family.case(kind, scale, offset, dtype, 0.7, rng)
        ends = [n // 3, int(case.s.argmin()), int(case.s.argmax())]
        hold_all(family, case, np.unique(np.concatenate([rng.integers(0, n, 12), ends])))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *product(["logistic"], ["two", "one positive", "distinct"]),
        *product(SORTED, ["one negative", "middle", "distinct"]),
        *product(["ndcg x logistic", "ndcg x hinge"], ["five"]),
    ],
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_error_bounds_of_a_long_list(name: str, dtype: Any, kind: str, rng: np.random.Generator) -> None:
    n = 10_000 if kind.startswith("one") else 60_000
    scale = 3 if name in SORTED else 1
    case = make_case(labels_of(kind, n, rng), scale * rng.normal(size=n), dtype, rng)
    items = np.unique(np.concatenate([rng.integers(0, n, 8), [n // 3]]))
    FAMILIES[name].hold(case, FAMILIES[name].exact(case, items))


@pytest.mark.parametrize(
    "names",
    [
        [name for name, f in FAMILIES.items() if " x " not in name and f.reduction == "none"],
        [name for name in FAMILIES if " x " in name],
        [name for name, f in FAMILIES.items() if f.reduction == "sum"],
    ],
    ids=["pairs", "weighted pairs", "ranks"],
)
@settings(max_examples=40)
@given(data=st.data())
def test_around_the_crossover_all_algorithms_agree(names: list[str], data: st.DataObject) -> None:
    """Ties in labels and scores, no spread, weights of both signs and zero, a far item now and then."""
    family, dtype = FAMILIES[data.draw(st.sampled_from(names))], data.draw(st.sampled_from(DTYPES))
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    pairs = family.reduction == "none"
    n = data.draw(st.one_of(st.integers(1, 40), st.integers(1, 900 if " x " in family.name else 400)))
    t = data.draw(st.sampled_from([0.125, 0.5, 1.0, 4.0]))  # powers of 2: a grid of scores is one of margins
    spread, grid = data.draw(st.sampled_from([0.0, 0.1, 2.0, 20.0])), data.draw(st.sampled_from([0, 4, 64]))
    far = data.draw(st.sampled_from([0.0, 50.0, 3000.0, 1e7]))
    s = rng.normal(size=n) * spread
    s = np.round(s * grid) / grid if grid else s
    s[rng.integers(n)] += far
    s = np.clip(s, -family.reach * t, family.reach * t)
    y = rng.integers(0, data.draw(st.integers(1, 500)), n) if pairs else labels_of(family.kinds[0], n, rng)
    if not y.any() and not pairs:
        y[0] = 1
    w, v = rng.choice([-1.0, 0.0, 0.5, 2.0], n), rng.normal(size=n).astype(dtype)
    case = Case(y, s.astype(dtype), w, v, t)
    expected = family.exact(case, np.arange(n))
    for algorithm in ("auto", "direct", "fast"):
        rounded = algorithm != "fast" and dtype == np.float32 and not (grid and far == 0)
        if not (family.kinked and rounded):
            wide = DIRECT_BOUND if pairs and far > 3000 else None
            family.hold(case, expected, algorithm, wide)


@every_family
@pytest.mark.parametrize("width", [0.75, 1.25])
@pytest.mark.parametrize("dtype", DTYPES)
def test_scores_on_the_edges_of_bins(
    family: Family, dtype: Any, width: float, rng: np.random.Generator
) -> None:
    n = 600 if family.reduction == "none" else 400
    s = np.clip(rng.integers(-20, 20, n) * width, -family.reach, family.reach)
    case = make_case(labels_of(family.kinds[0], n, rng), s, dtype, rng)
    family.hold(case, family.exact(case, np.arange(0, n, 7)))


@every_family
def test_equal_scores(family: Family, rng: np.random.Generator) -> None:
    """One bin of no width: phi(0), phi'(0) and phi''(0) times numbers of pairs; ranks for weights are positions."""
    n = family.length
    case = make_case(labels_of(family.kinds[-1], n, rng), np.full(n, 7.5), np.float64, rng)
    family.hold(case, family.exact(case, np.arange(0, n, 25)), "fast", {case.s.dtype: 1e-13})


@every_family
def test_shifts_order_and_masks(family: Family, rng: np.random.Generator) -> None:
    """Shifting all scores changes nothing: gradients add to zero, the Hessian takes a constant vector to zero."""
    n = 4000
    for kind in {"five", "distinct"} & set(family.kinds) or family.kinds:
        case = replace(make_case(labels_of(kind, n, rng), rng.normal(size=n), np.float64, rng), t=0.5)
        loss = family.loss(case.t, reduction="sum")
        objective, s = loss.bind(case.y, algorithm="fast"), case.s
        value, grad = objective.value_and_grad(s)
        curvature = objective.grad_and_hess(s, curvature="positive")[1].max()
        assert abs(grad.sum()) <= 1e-12 * np.abs(grad).sum()
        assert np.abs(objective.hessp(s, np.full(n, 3.0))).max() <= 1e-12 * curvature
        assert objective.value(s + 1000.0) == pytest.approx(value, rel=1e-10)
        u, v = rng.normal(size=(2, n))
        assert u @ objective.hessp(s, v) == pytest.approx(v @ objective.hessp(s, u), rel=1e-8)
        order = rng.permutation(n)
        shuffled = loss.bind(case.y[order], algorithm="fast").value_and_grad(s[order])
        assert shuffled[0] == pytest.approx(value, rel=1e-12)
        np.testing.assert_allclose(shuffled[1], grad[order], rtol=0, atol=1e-12 * np.abs(grad).max())
        wide, mask = np.full(2 * n, np.nan), np.arange(2 * n) % 2 == 0
        wide[::2] = s
        masked = loss.bind({"labels": np.repeat(case.y, 2), "mask": mask}, algorithm="fast")
        assert masked.value_and_grad(wide)[0] == value
        assert np.array_equal(masked.value_and_grad(wide)[1][::2], grad)


@every_family
def test_a_batch_has_the_bits_of_its_lists(family: Family, rng: np.random.Generator) -> None:
    """Scratch memory is used again, by longer and by shorter lists."""
    ends = np.cumsum([3000, 5, 1200, 4000])
    n = int(ends[-1])
    y, s = labels_of(family.kinds[-1] if family.kinds[-1] == "five" else "two", n, rng), rng.normal(size=n)
    loss, starts = family.loss(1.0, reduction="sum"), np.r_[0, ends[:-1]]
    whole = loss.bind(y, offsets=np.r_[0, ends], algorithm="fast").grad_and_hess(s)
    for part in map(slice, starts, ends):
        alone = loss.bind(y[part], algorithm="fast").grad_and_hess(s[part])
        assert all(np.array_equal(a[part], b) for a, b in zip(whole, alone, strict=True))


@every_family
@pytest.mark.parametrize("dtype", DTYPES)
def test_same_bits_for_any_number_of_threads(family: Family, dtype: Any, rng: np.random.Generator) -> None:
    """Long and short lists in one batch, by the algorithm that the engine takes."""
    sizes = [3, 5000, 0, 400, 1, 90, 2500, 700]
    n = sum(sizes)
    levels = 40 if family.reduction == "none" else 4  # gains are 2^label - 1
    case = make_case(rng.integers(0, levels, n), 3 * rng.normal(size=n), dtype, rng)
    weights = case.w if family.reduction == "none" else None
    objective = family.loss(1.0, reduction="sum").bind(case.y, weights, groups=sizes)

    def results(n_threads: int) -> list[Any]:
        options = {"n_threads": n_threads}
        return [
            *objective.value_and_grad(case.s, **options),
            *objective.grad_and_hess(case.s, **options),
            *objective.grad_and_hess(case.s, curvature="positive", **options),
            objective.hessp(case.s, case.v, **options),
        ]

    one = results(1)
    for n_threads in range(2, 9):
        for a, b in zip(one, results(n_threads), strict=True):
            assert np.array_equal(a, b)


@pytest.mark.parametrize(
    ("name", "short", "long"),
    [
        ("logistic", 20, 3000),
        ("approx ndcg", 20, 3000),
        ("ndcg x logistic", 60, 5000),
        ("ndcg x hinge", 60, 5000),
    ],
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_engine_takes_direct_sums_for_short_lists_and_fast_ones_for_long_lists(
    name: str, short: int, long: int, dtype: Any, rng: np.random.Generator
) -> None:
    for n, taken in ((short, "direct"), (long, "fast")):
        case = make_case(rng.integers(0, 5, n), rng.normal(size=n), dtype, rng)
        by = {a: FAMILIES[name].computed(case, a) for a in ("auto", "direct", "fast")}
        assert all(np.array_equal(by["auto"][what], by[taken][what]) for what in by["auto"])
    assert not np.array_equal(by["direct"]["positive"], by["fast"]["positive"])


@pytest.mark.parametrize("name", ["logistic", "approx mrr"])
def test_unknown_algorithms_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="algorithm"):
        FAMILIES[name].loss(1.0).bind([0, 1], algorithm="quick")
