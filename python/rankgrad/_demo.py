"""``python -m rankgrad demo``: LightGBM's lambdarank beside rankgrad's objectives, on the same data."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from rankgrad.datasets import load_svmlight, make_ranking
from rankgrad.lightgbm import metric, objective
from rankgrad.pairwise import PairwiseHingeLoss, PairwiseLogisticLoss

DEPTH = 10
METRIC = f"NDCG@{DEPTH}"
BUILT_IN = "lambdarank (LightGBM's own)"
PARAMETERS = {"learning_rate": 0.1, "metric": "None", "verbosity": -1, "seed": 0, "deterministic": True}
ESTIMATE_ROUNDS = 20


@dataclass(frozen=True)
class RankingData:
    """Rows, labels, and the sizes of the lists that the rows form in order."""

    x: Any
    y: Any
    groups: Any

    def split(self, n_first: int) -> tuple[RankingData, RankingData]:
        """Give the first lists and the rest."""
        row = int(self.groups[:n_first].sum())
        first = RankingData(self.x[:row], self.y[:row], self.groups[:n_first])
        return first, RankingData(self.x[row:], self.y[row:], self.groups[n_first:])


@dataclass
class Run:
    """What one training gave, round by round on the held-out lists."""

    name: str
    ndcg: list[float] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    milliseconds: float | None = None
    refusal: str = ""


def require_packages() -> None:
    """Raise ImportError with the command that installs what the demo needs."""
    for package, name in (
        ("lightgbm", "lightgbm"),
        ("matplotlib", "matplotlib"),
        ("sklearn", "scikit-learn"),
    ):
        if find_spec(package) is None:
            raise ImportError(f'the demo needs {name}: pip install "rankgrad[demo]"')


def load(
    train: str | None, valid: str | None, group: list[str], quick: bool
) -> tuple[RankingData, RankingData]:
    """Training and held-out data: the user's files, or made up. Of one file the last fifth is held out."""
    if train is None:
        data = RankingData(*make_ranking(100 if quick else 600, seed=1))
    else:
        data = RankingData(*load_svmlight(train, group[0] if group else None))
    if train is not None and valid is not None:
        sizes = group[1] if len(group) > 1 else None
        return data, RankingData(*load_svmlight(valid, sizes, n_features=data.x.shape[1]))
    n_lists = len(data.groups)
    if n_lists < 2:
        raise ValueError(f"{train} has a single list: nothing to hold out; give --valid")
    return data.split(n_lists - max(1, n_lists // 5))


def run(train: RankingData, valid: RankingData, rounds: int, output: Path) -> None:
    """Train every objective, print the table, write the picture."""
    for name, data in (("training", train), ("held out", valid)):
        print(f"{name}: {len(data.groups)} lists, {len(data.y)} rows, {data.x.shape[1]} features")
    contenders: dict[str, Any] = {
        BUILT_IN: "lambdarank",
        "PairwiseLogisticLoss": objective(PairwiseLogisticLoss()),
        "PairwiseHingeLoss": objective(PairwiseHingeLoss()),
    }
    runs = [train_one(name, contender, train, valid, rounds) for name, contender in contenders.items()]
    runs[0].milliseconds = None if runs[0].refusal else estimate_built_in(train)
    print_table(runs)
    draw(runs, output)
    print(f"curves: {output}")


def train_one(name: str, contender: Any, train: RankingData, valid: RankingData, rounds: int) -> Run:
    """Train one LightGBM model, following it on the held-out lists."""
    import lightgbm as lgb

    result = Run(name)
    seconds: list[float] = []
    train_set = lgb.Dataset(train.x, train.y, group=train.groups)
    valid_set = train_set.create_valid(valid.x, valid.y, group=valid.groups)
    pair_loss = PairwiseLogisticLoss(reduction="mean_over_pairs", negative_labels="use").bind(
        valid.y, groups=valid.groups
    )

    def follow(scores: Any, dataset: Any) -> tuple[str, float, bool]:
        _, ndcg, _ = ndcg_metric(scores, dataset)
        result.ndcg.append(ndcg)
        result.loss.append(float(pair_loss.value(scores)))
        done = len(result.ndcg)
        if done == rounds or done % max(1, rounds // 5) == 0:
            print(f"  {name:<28} round {done:>4}/{rounds}   {METRIC} {ndcg:.4f}", flush=True)
        return METRIC, ndcg, True

    ndcg_metric = metric(DEPTH)
    parameters = {
        **PARAMETERS,
        "objective": contender if contender == "lambdarank" else timed(contender, seconds),
    }
    try:
        lgb.train(parameters, train_set, rounds, valid_sets=[valid_set], feval=follow)
    except (lgb.basic.LightGBMError, ValueError) as error:
        result.refusal = str(error)
        print(f"  {name:<28} refused the data: {error}")
    result.milliseconds = 1e3 * median(seconds) if seconds else None
    return result


def timed(call: Callable[..., Any], seconds: list[float]) -> Callable[[Any, Any], Any]:
    """Note the time of each call of an objective. (LightGBM deep-copies objects, but not functions.)"""

    def timed_objective(scores: Any, dataset: Any) -> Any:
        start = time.perf_counter()
        result = call(scores, dataset)
        seconds.append(time.perf_counter() - start)
        return result

    return timed_objective


def estimate_built_in(train: RankingData) -> float | None:
    """Milliseconds of lambdarank's gradient: a round of it minus a round of squared error, growing stumps.

    LightGBM does not tell the time of its own objectives. With stumps on one coarse feature the rest of a
    round is small and the same for both. None where the difference drowns in noise.
    """
    import lightgbm as lgb

    feature = np.arange(len(train.y), dtype=np.float64)[:, None]
    scores = np.random.default_rng(0).standard_normal(len(train.y))

    def round_seconds(name: str) -> float:
        ends: list[float] = []
        parameters = {**PARAMETERS, "objective": name, "num_leaves": 2, "max_bin": 15}
        data = lgb.Dataset(feature, train.y, group=train.groups, init_score=scores)
        lgb.train(parameters, data, ESTIMATE_ROUNDS, callbacks=[lambda _: ends.append(time.perf_counter())])
        return float(median(np.diff(ends)))

    difference = 1e3 * (round_seconds("lambdarank") - round_seconds("regression"))
    return difference if difference > 0 else None


def print_table(runs: list[Run]) -> None:
    """Print what came out, and how the times were taken."""
    print(f"\n{'objective':<28}  {METRIC + ', held out':>17}  {'ms in the objective per round':>29}")
    for result in runs:
        ndcg = f"{result.ndcg[-1]:.4f}" if result.ndcg else "-"
        milliseconds = "-" if result.milliseconds is None else f"{result.milliseconds:.2f}"
        mark = " *" if result.name == BUILT_IN else ""
        print(f"{result.name:<28}  {ndcg:>17}  {milliseconds:>29}{mark}")
    if runs[0].refusal:
        print(f"* {runs[0].refusal}")
    elif runs[0].milliseconds is None:
        print("* too fast to tell: a round of lambdarank took no longer than one of squared error, on stumps")
    else:
        print(
            "* estimated: a round of lambdarank minus a round of squared error, growing stumps on one feature"
        )


def draw(runs: list[Run], output: Path) -> None:
    """Write the two curves of every run."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    ndcg_axes, loss_axes = figure.subplots(1, 2)
    for result in runs:
        rounds = range(1, len(result.ndcg) + 1)
        ndcg_axes.plot(rounds, result.ndcg, label=result.name)
        loss_axes.plot(rounds, result.loss, label=result.name)
    ndcg_axes.set(title=f"{METRIC} on held-out lists", xlabel="round", ylabel=METRIC)
    loss_axes.set(
        title="Logistic loss per pair on held-out lists", xlabel="round", ylabel="log(1 + exp(-margin))"
    )
    for axes in (ndcg_axes, loss_axes):
        axes.grid(alpha=0.3)
    ndcg_axes.legend()
    figure.savefig(output, dpi=120)
