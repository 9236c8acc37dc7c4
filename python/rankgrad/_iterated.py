"""What a loss with noise adds to the others: every call takes the `iteration` that the noise is drawn for."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from rankgrad._loss import RankingLoss
from rankgrad._options import whole
from rankgrad.objective import Objective


class IteratedObjective(Objective):
    """An :class:`rankgrad.Objective` whose methods take ``iteration=0``. No state: equal calls give equal results."""

    __slots__ = ()

    def value(self, scores: Any, *, iteration: int = 0, **options: Any) -> Any:
        """See :meth:`rankgrad.Objective.value`."""
        return Objective.value(self._at(iteration), scores, **options)

    def value_and_grad(self, scores: Any, *, iteration: int = 0, **options: Any) -> tuple[Any, Any]:
        """See :meth:`rankgrad.Objective.value_and_grad`."""
        return Objective.value_and_grad(self._at(iteration), scores, **options)

    def grad_and_hess(self, scores: Any, *, iteration: int = 0, **options: Any) -> tuple[Any, Any]:
        """See :meth:`rankgrad.Objective.grad_and_hess`."""
        return Objective.grad_and_hess(self._at(iteration), scores, **options)

    def hessp(self, scores: Any, vector: Any, *, iteration: int = 0, **options: Any) -> Any:
        """See :meth:`rankgrad.Objective.hessp`."""
        return Objective.hessp(self._at(iteration), scores, vector, **options)

    def _at(self, iteration: int) -> IteratedObjective:
        clone = copy.copy(self)
        clone._core = _CoreAt(self._core, whole(iteration, "iteration", 0, 2**64 - 1))
        return clone


class _CoreAt:
    """The core with its `iteration` given."""

    def __init__(self, core: Any, iteration: int) -> None:
        self._core = core
        self.evaluate = partial(core.evaluate, iteration=iteration)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._core, name)


@dataclass(frozen=True)
class IteratedLoss(RankingLoss):
    """Base of the losses with noise: the calls of :class:`RankingLoss` with ``iteration=0``."""

    _objective = IteratedObjective

    def __call__(
        self,
        y_true: Any,
        y_pred: Any,
        sample_weight: Any = None,
        *,
        iteration: int = 0,
        n_threads: int | None = None,
        **lists: Any,
    ) -> Any:
        """The reduced loss as a float, or an array for reduction "none"."""
        return self._once(y_true, sample_weight, **lists).value(
            y_pred, iteration=iteration, n_threads=n_threads
        )

    def value_and_grad(
        self,
        y_true: Any,
        y_pred: Any,
        sample_weight: Any = None,
        *,
        iteration: int = 0,
        cotangent: Any = None,
        out: Any = None,
        n_threads: int | None = None,
        **lists: Any,
    ) -> tuple[Any, Any]:
        """The value and its gradient, shaped like the scores."""
        self._refuse_overlaps(out, y_true, sample_weight, **lists)
        bound = self._once(y_true, sample_weight, **lists)
        return bound.value_and_grad(
            y_pred, iteration=iteration, cotangent=cotangent, out=out, n_threads=n_threads
        )

    def grad_and_hess(
        self,
        y_true: Any,
        y_pred: Any,
        sample_weight: Any = None,
        *,
        iteration: int = 0,
        cotangent: Any = None,
        out: Any = None,
        n_threads: int | None = None,
        **lists: Any,
    ) -> tuple[Any, Any]:
        """The gradient and the diagonal Hessian, shaped like the scores."""
        self._refuse_overlaps(out, y_true, sample_weight, **lists)
        bound = self._once(y_true, sample_weight, **lists)
        return bound.grad_and_hess(
            y_pred, iteration=iteration, cotangent=cotangent, out=out, n_threads=n_threads
        )

    def call(self, y_true: Any, y_pred: Any, *, iteration: int = 0) -> Any:
        """The unreduced values, whatever the reduction."""
        return replace(self, reduction=None)(y_true, y_pred, iteration=iteration)

    def _once(
        self, y_true: Any, sample_weight: Any, groups: Any = None, offsets: Any = None, qid: Any = None
    ) -> IteratedObjective:
        bound = self._bind(y_true, sample_weight, groups, offsets, qid, raveled=False)
        assert isinstance(bound, IteratedObjective)
        return bound
