"""A linear ranker by SciPy: a Newton method with exact Hessian-vector products, and L-BFGS, reach the same optimum."""

from __future__ import annotations

import argparse
from time import perf_counter

import numpy as np
import rankgrad as rg
from rankgrad.datasets import make_ranking
from rankgrad.scipy import linear_objective
from scipy.optimize import minimize


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a few seconds, to see that it runs")
    small = parser.parse_args().small

    n_train, n_test = (100, 50) if small else (2000, 500)
    X, y, sizes = make_ranking(n_lists=n_train + n_test)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    sizes, sizes_test = sizes[:n_train], sizes[n_train:]
    (X, X_test), (y, y_test) = (np.split(x, [sizes.sum()]) for x in (X, y))

    loss = rg.PairwiseLogisticLoss(reduction="mean_over_pairs")
    objective = linear_objective(loss, X, y, groups=sizes, l2=1e-4)
    optima = {}
    for method in ("L-BFGS-B", "Newton-CG", "trust-krylov"):
        options = {} if method == "L-BFGS-B" else {"hessp": objective.hessp}
        start = perf_counter()
        found = minimize(objective.fun, np.zeros(X.shape[1]), jac=objective.jac, method=method, **options)
        quality = rg.ndcg(y_test, X_test @ found.x, k=10, groups=sizes_test)
        seconds = perf_counter() - start
        print(
            f"{method}: loss {found.fun:.6f} in {found.nit} steps, {seconds:.2f} s; test NDCG@10 {quality:.4f}"
        )
        optima[method] = found.fun
    assert max(optima.values()) - min(optima.values()) < 1e-5


if __name__ == "__main__":
    main()
