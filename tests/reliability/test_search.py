"""Random lists of every kind against long doubles pair by pair; search.py as a program has the details."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
import rankgrad as rg

from exact_pairs import LOSSES, OUTPUTS, Sum, exact
from helpers import PARAMETERS
from reference import label_difference_weight, ndcg_weight, one_list
from search import Search, report, search
from search_inputs import LOSSES as MAKERS
from search_inputs import Batch, make_batch
from search_judge import compare, wrongs

EVERY = 10.0  # seconds between two lines


def test_search(long: bool, figure: Callable[[str, str], None], capsys: pytest.CaptureFixture[str]) -> None:
    said = time.monotonic()

    def tell(found: Search) -> None:
        nonlocal said
        if long and time.monotonic() - said > EVERY:
            said = time.monotonic()
            with capsys.disabled():
                print(f"search: {found.lists:,} lists, {found.failed_lists:,} failed", flush=True)

    found = search(20_000 if long else 400, int(long), rg.isa_levels(), tell=tell)
    figure(
        "search",
        f"{found.lists:,} lists at {', '.join(found.isas)}: {found.failed_lists:,} beyond the bound",
    )
    assert not found.failures, report(found)


def plain(name: str, weight: rg.lambda_weights.LambdaWeight | None) -> Batch:
    """A list without anything odd."""
    rng = np.random.default_rng(3)
    n, tau = 20, PARAMETERS.get(name, {})
    loss = MAKERS[name](0.7, reduction="sum", negative_labels="use", lambda_weight=weight, **tau)
    scores, labels = rng.normal(size=n), rng.integers(0, 4, n).astype(float)
    return Batch(
        (0, 0), loss, labels, scores, np.array([0, n]), rng.random(n), rng.normal(size=n), ("normal",)
    )


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(
    ("weight", "plain_weight"),
    [(None, None), (rg.NDCGWeight(), ndcg_weight), (rg.LabelDifferenceWeight(), label_difference_weight)],
    ids=["none", "ndcg", "label difference"],
)
def test_the_long_doubles_are_the_specification(name: str, weight: object, plain_weight: object) -> None:
    x = plain(name, weight)
    ours = exact(x.loss, x.labels, x.scores, x.item_weights, x.vector)
    theirs = one_list(
        name, x.scores, x.labels, x.item_weights, 0.7, x.vector, plain_weight, **PARAMETERS.get(name, {})
    )
    for key, want in zip(OUTPUTS, theirs, strict=True):
        np.testing.assert_allclose(ours[key].total.astype(float), want.total, atol=1e-13 * want.terms.max())


def test_the_search_sees_a_fault_of_two_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is right passes, and the same with one number changed does not: so an empty answer says something."""
    x = plain("logistic", None)
    assert not list(wrongs(x, rg.isa_levels()[:1], {}))
    grad = rg.Objective.value_and_grad
    monkeypatch.setattr(
        rg.Objective,
        "value_and_grad",
        lambda self, *a, **k: (grad(self, *a, **k)[0], grad(self, *a, **k)[1] + 1e-10),
    )
    assert {wrong.output for wrong in wrongs(x, rg.isa_levels()[:1], {})} == {"grad"}


@pytest.mark.parametrize(
    ("got", "exact_one", "verdict"),
    [
        (1.0, 1.0, "right"),
        (1.0 + 1e-11, 1.0, "wrong"),
        (np.nan, 1.0, "wrong"),
        (np.inf, 1e300, "wrong"),
        (np.inf, np.longdouble(2) ** 1024, "right"),
        (-np.inf, np.longdouble(2) ** 1024, "wrong"),
        (1e308, np.longdouble(2) ** 1024, "wrong"),
        (0.0, 1e-320, "wrong"),
    ],
)
def test_verdicts(got: float, exact_one: float, verdict: str) -> None:
    total = np.array([exact_one], np.longdouble)
    zero = np.zeros_like(total)
    units = compare(
        np.array([[got]]), Sum(total, np.abs(total), zero, zero), np.longdouble(1e-12), lost=False
    )
    assert ("right" if units[0, 0] <= 1 else "wrong") == verdict


def test_inputs_are_the_same_in_every_run() -> None:
    a, b = make_batch(4, 2), make_batch(4, 2)
    assert (a.loss, a.kinds) == (b.loss, b.kinds)
    for x, y in ((a.scores, b.scores), (a.labels, b.labels), (a.vector, b.vector)):
        assert x.tobytes() == y.tobytes()
