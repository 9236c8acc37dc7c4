"""What a call is to another framework: a function of scores alone, whose results are NumPy's arrays."""

from __future__ import annotations

from typing import Any

from rankgrad._core import HESS_VECTOR, VALUE
from rankgrad._frameworks import Results
from rankgrad.implicit import ImplicitLoss
from rankgrad.ranking_softmax import RankingSoftmaxLoss

NOT_KNOWN = (
    "rankgrad has the second derivative of reduced losses over lists, and neither that of reduction='none' and of the "
    "implicit losses nor any third one"
)


def names_of_scores(owner: Any) -> tuple[str, ...]:
    """What the arguments that hold scores are called."""
    if isinstance(owner, ImplicitLoss):
        return "positive_scores", owner._negative_name
    if isinstance(owner, RankingSoftmaxLoss):
        return ("logits",)
    return ("scores",) if isinstance(owner, str) else ("scores (y_pred)",)


class Call:
    """The evaluation of an owner with its constants, for scores of these shapes.

    A loss is bound to its data here, once for the value and for all derivatives that are asked for later.
    """

    def __init__(
        self, function: Any, owner: Any, mode: int, shapes: list[tuple[int, ...]], constants: tuple[Any, ...]
    ) -> None:
        self._function, self._owner, self._constants = function, owner, constants
        self.objective: Any = None
        self.shape: tuple[int, ...] | None = None
        """The shape to which scores are to be broadcast; None: as they are."""
        if isinstance(owner, ImplicitLoss):
            *others, options = constants
            refuse_out(options.get("out"))
            if mode == VALUE:  # whose derivatives are its own
                options = {key: x for key, x in options.items() if key != "cotangent"}
            self._constants = (*others, options)
        elif not isinstance(owner, str):
            self.objective, self._cotangent, out, *options = owner._bound(shapes[0], *constants)
            refuse_out(out)
            if mode == VALUE:
                self._cotangent = None
            self._options = tuple(options[:2])
            self._vector, self._least = (*options[2:], None, 0.0)[:2]
            if isinstance(owner, RankingSoftmaxLoss):
                self.shape = self.objective.shape

    @property
    def has_second(self) -> bool:
        """Whether the gradient of the value has a derivative: the product of the Hessian and a vector."""
        return self.objective is not None and not self.objective._unreduced

    def __call__(self, mode: int, scores: tuple[Any, ...], direction: Any = None) -> Results:
        """The results. A `direction` is the cotangent, or the vector of a product, where the caller gave none."""
        if self.objective is None:
            constants = self._constants
            if direction is not None:
                *others, options = constants
                constants = (*others, options | {"cotangent": direction})
            results: Results = self._function(self._owner, mode, scores, *constants)
            return results
        cotangent, vector = self._cotangent, self._vector
        if direction is not None:
            cotangent, vector = (None, direction) if mode == HESS_VECTOR else (direction, None)
        evaluation = type(self.objective)._evaluate.__wrapped__
        results = evaluation(
            self.objective, mode, scores, cotangent, None, *self._options, vector, self._least
        )
        return results


def refuse_out(out: Any) -> None:
    if out is not None:
        raise TypeError("out: is for NumPy's arrays; the results of other arrays are new ones")


def parts(derivative: Any) -> tuple[Any, ...]:
    """The arrays of a derivative, one for each array of scores."""
    return derivative if isinstance(derivative, tuple) else (derivative,)
