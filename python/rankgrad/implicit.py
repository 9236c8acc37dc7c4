r"""Losses of implicit feedback: B positives, each against the scores of its sampled negatives.

For a positive with score p and a negative with score n, let x = p - n and d the *ideal difference*: ``margin`` (1),
less the partial credit for categories that the two items share. The losses are

==========================  ===========================================================  ==========================
function                    l of one positive                                            negatives that count
==========================  ===========================================================  ==========================
:obj:`bpr_loss`             d - sigmoid(x); ``form="log"``: -log sigmoid(x - (d - 1))    every one (l is their sum)
:obj:`hinge_loss`           max(0, d - x)                                                every one
:obj:`adaptive_bpr_loss`    as bpr_loss                                                  the first of largest score
:obj:`adaptive_hinge_loss`  as hinge_loss                                                the first of largest score
:obj:`warp_loss`            w(t) (d - x)                                                 the first, t-th, with x < d
==========================  ===========================================================  ==========================

and the value is ``(sum l + sum l**2) / B`` over all pairs that count, as in Collie. Options, with Collie's behaviour
as default, give the losses of other libraries:

=========================  ====================================================================================
library                    setting
=========================  ====================================================================================
Collie                     the defaults of all five
Spotlight ``bpr_loss``     ``bpr_loss(..., reduction="mean")``
Spotlight ``hinge_loss``   ``hinge_loss(..., reduction="mean")``; likewise ``adaptive_hinge_loss``
LightFM ``bpr``            ``bpr_loss(..., form="log", reduction="sum", sample_weight=w)``
LightFM ``warp``           ``warp_loss(..., rank_weight="log", clip=10, reduction="sum", sample_weight=w)``, with -inf
                           for negatives that are known positives (they count as tries). LightFM clips after weighting.
LensKit ``pairwise``       ``bpr_loss(..., form="log", reduction="mean")``, as RecBole's and LibRecommender's BPR
LensKit ``warp``           ``bpr_loss(..., form="log", reduction="mean", sample_weight=w)`` with the negative that
                           its sampler found and w = H((N - 1) / (t + 1)); the nearest that searches itself is
                           ``warp_loss(..., margin=0, rank_weight="harmonic", floor=False, reduction="mean")``
WSABIE (the paper)         ``warp_loss(..., rank_weight="harmonic", reduction="sum")``
=========================  ====================================================================================

LightFM and LensKit's sampler compute no loss value; what is equal is the gradient.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from rankgrad import _core
from rankgrad._arithmetic import in_default_mode
from rankgrad._arrays import Array, as_array
from rankgrad._checks import check_choice, flag, positive_number, real, thread_count, whole
from rankgrad._frameworks import Results, same_array_out
from rankgrad._implicit_arguments import Items, Pairs, features_of, item_ids
from rankgrad._results import refuse_overlaps, results

_REDUCTIONS = ("collie", "mean", "sum", "none")
_FORMS = {"collie": "sigmoid_gap", "log": "negative_log_sigmoid"}
_RANK_WEIGHTS = ("collie", "log", "harmonic")


@dataclass(frozen=True)
class ImplicitLoss(ABC):
    """Base of the implicit losses. Each is one object, called like a function; fields are the defaults of its options.

    Parameters
    ----------
    positive_scores
        Scores of the B positives, shape (B,).
    negative_scores, many_negative_scores
        Scores of their negatives: (K, B), *negatives first*; (B,) for one each (not for the adaptive losses and
        WARP); or flat with ``offsets=`` (boundaries) or ``groups=`` (sizes), or a container of lists (a list of B 1-D
        arrays, awkward, Arrow, ...), one list per positive, which may be empty. A score of -inf is no negative:
        it is skipped, and its gradient is 0.
    num_items
        Items in the catalogue; only :obj:`warp_loss` uses it.
    positive_items, negative_items, metadata, metadata_weights
        Partial credit, see :func:`ideal_difference_from_metadata`: item numbers shaped like the scores, categories of
        all items by name, and the credit for a match by name.
    margin
        The ideal difference without credit: a number, or one per positive.
    sample_weight
        Multiplies each positive's part of the value: a number, or one per positive.
    reduction
        "collie": (sum l + sum l**2) / B. "mean": sum l / B. "sum": sum l. "none": l of each positive, shape (B,).
        Weights never enter the divisor.
    cotangent
        Derivatives are those of ``sum(cotangent * value)``: shape (B,) for reduction "none", else a number.
    out
        Where array results go: ``(grad_positive, grad_negative)``, ``((grad_positive, grad_negative), (hess_positive,
        hess_negative))``; with reduction "none" `value_and_grad` takes ``(value, (grad_positive, grad_negative))``,
        the call itself the array of the values.
    n_threads
        Threads for this call; never changes a bit of the results.

    Notes
    -----
    Results have the dtype of the scores (float32 only if both are; integers give float64); a reduced value is a
    Python float. The choice of a negative and WARP's weight are held constant in the derivatives.
    ``dataclasses.replace(loss, ...)`` gives a loss with other defaults.

    Errors are relative to the absolute terms of a result, 1e-6 for float32 scores and 1e-12 for float64, plus what one
    unit of the last place of x and of d changes, whatever the scores have in common. Whether x < d, x = d or x > d is
    decided as of the exact numbers. Any finite score is taken: values are computed in double, and a result is infinite
    only where it is beyond its own type. A product of weight, cotangent and margin has to stay within double, too.

    Raises ValueError or TypeError, naming the argument and the first bad place, for NaN and infinite scores (but -inf
    negatives), shapes that do not fit, an empty batch, no negatives (K = 0), and unusable metadata.
    """

    _: KW_ONLY
    margin: Any = 1.0
    reduction: str = "collie"

    _choice: ClassVar[str] = "every"
    _negative_name: ClassVar[str] = "negative_scores"

    def __post_init__(self) -> None:
        check_choice(self.reduction, "reduction", _REDUCTIONS)

    def __call__(
        self,
        positive_scores: Any,
        negative_scores: Any,
        num_items: Any = None,
        positive_items: Any = None,
        negative_items: Any = None,
        metadata: Mapping[Any, Any] | None = None,
        metadata_weights: Mapping[Any, float] | None = None,
        **options: Any,
    ) -> Any:
        """The loss as a float, or an array for reduction "none"."""
        items = Items(positive_items, negative_items, metadata, metadata_weights)
        return self._evaluate(_core.VALUE, (positive_scores, negative_scores), num_items, items, options)[0]

    def value_and_grad(
        self,
        positive_scores: Any,
        negative_scores: Any,
        num_items: Any = None,
        positive_items: Any = None,
        negative_items: Any = None,
        metadata: Mapping[Any, Any] | None = None,
        metadata_weights: Mapping[Any, float] | None = None,
        **options: Any,
    ) -> tuple[Any, tuple[Array, Array]]:
        """The value and (grad_positive, grad_negative), shaped like the scores."""
        items = Items(positive_items, negative_items, metadata, metadata_weights)
        scores = (positive_scores, negative_scores)
        return self._evaluate(_core.VALUE_GRAD, scores, num_items, items, options)[:2]

    def grad_and_hess(
        self,
        positive_scores: Any,
        negative_scores: Any,
        num_items: Any = None,
        positive_items: Any = None,
        negative_items: Any = None,
        metadata: Mapping[Any, Any] | None = None,
        metadata_weights: Mapping[Any, float] | None = None,
        **options: Any,
    ) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        """The gradients and the diagonal of the Hessian, each as (of the positives, of the negatives)."""
        items = Items(positive_items, negative_items, metadata, metadata_weights)
        scores = (positive_scores, negative_scores)
        return self._evaluate(_core.GRAD_HESS, scores, num_items, items, options)[1:]

    @same_array_out
    def _evaluate(
        self, mode: int, scores: tuple[Any, Any], num_items: Any, items: Items, options: dict[str, Any]
    ) -> Results:
        return self._sum(mode, scores, num_items, items, **options)

    @in_default_mode
    def _sum(
        self,
        mode: int,
        scores: tuple[Any, Any],
        num_items: Any,
        items: Items,
        *,
        offsets: Any = None,
        groups: Any = None,
        sample_weight: Any = None,
        cotangent: Any = None,
        out: Any = None,
        n_threads: int | None = None,
        **options: Any,
    ) -> Results:
        loss = replace(self, **options) if options else self
        lists = {"offsets": offsets, "groups": groups}
        if out is not None:
            given = {"positive_scores": scores[0], self._negative_name: scores[1], **items._asdict(), **lists}
            refuse_overlaps(
                out, **given, margin=loss.margin, sample_weight=sample_weight, cotangent=cotangent
            )
        one_each = self._choice == "every"
        pairs = Pairs(*scores, **lists, negative_name=self._negative_name, flat_is_one_each=one_each)
        unreduced = loss.reduction == "none"
        shape = pairs.positive.shape if unreduced else None
        values, grad, hess = results(mode, out, shape, (pairs.positive, pairs.negative))
        margin, margins = pairs.number_or_array(loss.margin, "margin")
        weight = pairs.weights(sample_weight)
        factor, cotangents = pairs.cotangent(cotangent, unreduced)
        features, positive_ids, negative_ids = pairs.credit(items)
        value = loss._core(num_items).evaluate(
            mode,
            pairs.positive,
            pairs.negative,
            offsets=pairs.offsets,
            margin=margin,
            margins=margins,
            features=features,
            positive_items=positive_ids,
            negative_items=negative_ids,
            weight=weight,
            cotangent=cotangents,
            mean=loss.reduction in ("collie", "mean"),
            factor=factor,
            threads=thread_count(n_threads),
            new_results=out is None,
            values=values,
            grad_positive=grad and grad[0],
            grad_negative=grad and grad[1],
            hess_positive=hess and hess[0],
            hess_negative=hess and hess[1],
        )
        return (value if values is None else values), grad, hess

    def _core(self, num_items: Any) -> Any:
        """The core's object for these options."""
        catalogue = whole(num_items, "num_items", 1, 2**63 - 1) if self._choice == "first_violation" else None
        return _core_loss(
            self._formula(),
            tuple(self._parameters().items()),
            choice=self._choice,
            square=self.reduction == "collie",
            num_items=catalogue,
            negative_name=self._negative_name,
            **self._settings(),
        )

    @abstractmethod
    def _formula(self) -> str:
        """The name that the core has for the loss of a pair."""

    def _parameters(self) -> dict[str, Any]:
        """Its parameters by the names that the core has for them."""
        return {}

    def _settings(self) -> dict[str, Any]:
        """What else the core makes the loss from."""
        return {}


@dataclass(frozen=True)
class BPRLoss(ImplicitLoss):
    """Not Rendle's BPR, see `form=`, but Collie's: l = d - sigmoid(x), summed with its square.

    Parameters
    ----------
    form
        "collie": l = d - sigmoid(x), bounded, whose gradient vanishes on the worst violations; Spotlight's with
        ``reduction="mean"``. "log": the textbook's l = -log sigmoid(x) [Rendle et al., 2009]; with an ideal difference
        d other than 1, -log sigmoid(x - (d - 1)). The reduction is a matter of its own: ``reduction="mean"`` leaves
        out the squares.

    See :class:`ImplicitLoss` for the other arguments. With every negative counting, a positive's l is the sum over
    its negatives of l (and, for "collie", of l**2); the divisor is the number of positives.

    Examples
    --------
    >>> import rankgrad as rg
    >>> round(rg.bpr_loss([3.0], [1.5]), 4)    # q = 1 - sigmoid(1.5) = 0.18243; q + q**2
    0.2157
    >>> round(rg.bpr_loss([3.0], [1.5], form="log", reduction="mean"), 4)    # log(1 + exp(-1.5))
    0.2014
    """

    form: str = "collie"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice(self.form, "form", tuple(_FORMS))

    def _formula(self) -> str:
        return _FORMS[self.form]


@dataclass(frozen=True)
class HingeLoss(ImplicitLoss):
    """l = max(0, d - x).

    Parameters
    ----------
    kink
        -dl/dx where d - x is exactly 0, from 0 to 1. 1: as ``torch.clamp``, Collie and Spotlight; 0: as
        ``torch.relu``; 0.5: as ``torch.maximum`` and JAX. Its square enters the Hessian there.

    See :class:`ImplicitLoss` for the other arguments.

    Examples
    --------
    >>> import rankgrad as rg
    >>> rg.hinge_loss([1.5], [3.0])    # 2.5 + 2.5**2
    8.75
    """

    kink: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "kink", real(self.kink, "kink", "a number from 0 to 1", low=0.0, high=1.0))

    def _formula(self) -> str:
        return "hinge"

    def _parameters(self) -> dict[str, Any]:
        return {"kink": self.kink}


@dataclass(frozen=True)
class _ManyNegatives(ImplicitLoss):
    """A loss of one negative chosen among many; Collie calls their scores `many_negative_scores`."""

    _negative_name: ClassVar[str] = "many_negative_scores"

    def __call__(  # type: ignore[override]
        self, positive_scores: Any, many_negative_scores: Any, *items: Any, **options: Any
    ) -> Any:
        """The loss as a float, or an array for reduction "none"."""
        return super().__call__(positive_scores, many_negative_scores, *items, **options)

    def value_and_grad(  # type: ignore[override]
        self, positive_scores: Any, many_negative_scores: Any, *items: Any, **options: Any
    ) -> tuple[Any, tuple[Array, Array]]:
        """The value and (grad_positive, grad_negative), shaped like the scores."""
        return super().value_and_grad(positive_scores, many_negative_scores, *items, **options)

    def grad_and_hess(  # type: ignore[override]
        self, positive_scores: Any, many_negative_scores: Any, *items: Any, **options: Any
    ) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        """The gradients and the diagonal of the Hessian, each as (of the positives, of the negatives)."""
        return super().grad_and_hess(positive_scores, many_negative_scores, *items, **options)


@dataclass(frozen=True)
class AdaptiveBPRLoss(_ManyNegatives, BPRLoss):
    """:obj:`bpr_loss` with the negative of the largest score, the first of equal ones; the others have gradient 0.

    The choice goes by the raw score, before any partial credit, as in Collie. See :class:`ImplicitLoss` for the
    arguments and :obj:`bpr_loss` for `form`.
    """

    _choice = "largest"


@dataclass(frozen=True)
class AdaptiveHingeLoss(_ManyNegatives, HingeLoss):
    """:obj:`hinge_loss` with the negative of the largest score, the first of equal ones; the others have gradient 0.

    The choice goes by the raw score, before any partial credit, as in Collie. See :class:`ImplicitLoss` for the
    arguments and :obj:`hinge_loss` for `kink`. Source: Collie, after Spotlight.
    """

    _choice = "largest"


@dataclass(frozen=True)
class WARPLoss(_ManyNegatives):
    """l = w(t) (d - x) for the first negative, the t-th, with x < d; l = 0 if there is none.

    Parameters
    ----------
    num_items
        Items in the catalogue, N; at least the number of negatives of a positive.
    rank_weight
        "collie": w = ln(N / t). "log": ln(max(1, (N - 1) / t)). "harmonic": 1 + 1/2 + ... + 1/q with q = (N - 1) / t,
        the paper's [Weston, Bengio & Usunier, 2011].
    floor
        Round the quotient down. None: as the paper does for "log" and "harmonic", as Collie does not for "collie".
        Without it "harmonic" is continued by the digamma function.
    clip
        The largest weight; LightFM's is 10. None: no limit.

    See :class:`ImplicitLoss` for the other arguments. Violations are strict, so the hinge's kink does not arise.
    Partial credit changes which negative is the first violation. The square is that of the weighted l.

    Examples
    --------
    >>> import rankgrad as rg
    >>> round(rg.warp_loss([1.5], [[2.0], [3.0], [2.5]], num_items=3), 4)    # l = ln(3 / 1) * 1.5; l + l**2
    4.3636
    """

    rank_weight: str = "collie"
    floor: bool | None = None
    clip: float | None = None

    _choice = "first_violation"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice(self.rank_weight, "rank_weight", _RANK_WEIGHTS)
        if self.floor is not None:
            object.__setattr__(self, "floor", flag(self.floor, "floor"))
        if self.clip is not None and not (isinstance(self.clip, float) and self.clip == math.inf):
            object.__setattr__(self, "clip", positive_number(self.clip, "clip"))

    def _formula(self) -> str:
        return "ranked_hinge"

    def _settings(self) -> dict[str, Any]:
        return {
            "rank_weight": self.rank_weight,
            "floor": self.rank_weight != "collie" if self.floor is None else self.floor,
            "clip": self.clip,
        }


@lru_cache(maxsize=64)
def _core_loss(loss: str, parameters: tuple[tuple[str, float], ...], **settings: Any) -> Any:
    """The core's objects are settings and no data: the same arguments may share one."""
    return _core.ImplicitLoss(("implicit", {"loss": (loss, dict(parameters))} | settings))


bpr_loss = BPRLoss()
hinge_loss = HingeLoss()
adaptive_bpr_loss = AdaptiveBPRLoss()
adaptive_hinge_loss = AdaptiveHingeLoss()
warp_loss = WARPLoss()


@in_default_mode
def ideal_difference_from_metadata(
    positive_items: Any,
    negative_items: Any,
    metadata: Mapping[Any, Any] | None,
    metadata_weights: Mapping[Any, float] | None,
) -> Array:
    """The ideal difference of each pair of items: 1, less the weights of the categories that they share.

    Parameters
    ----------
    positive_items
        Item numbers, any shape.
    negative_items
        Item numbers of the same shape, or (K, B) for positives of shape (B,).
    metadata
        By name the categories of all items, numbers of shape (n_items,) or (n_items, 1). A NaN matches nothing.
    metadata_weights
        The weights of the same names; their sum is at most 1.

    Returns
    -------
    float64 array of the shape of `negative_items`.

    Notes
    -----
    An item compared with itself gets 1 less the sum of the weights (of the categories that are not NaN), as in
    Collie's code; its documentation says 0. Collie computes in float32.

    Raises ValueError naming the key for a weight without metadata, metadata without a weight, weights that add up to
    more than 1 (+1e-9), and item numbers that are negative or too large.

    Examples
    --------
    >>> import rankgrad as rg
    >>> rg.ideal_difference_from_metadata([0, 0], [1, 2], {"genre": [7, 7, 3]}, {"genre": 0.25})
    array([0.75, 1.  ])
    """
    negative = as_array(negative_items, "negative_items")
    positive = as_array(positive_items, "positive_items")
    if positive.shape not in (negative.shape, negative.shape[1:]):
        raise ValueError(
            f"negative_items: shape {negative.shape} fits neither positive_items, {positive.shape}, nor rows of them"
        )
    positive = np.ascontiguousarray(np.broadcast_to(positive, negative.shape))
    result: Array = _core.ideal_difference(
        item_ids(positive, "positive_items", negative.shape),
        item_ids(negative, "negative_items", negative.shape),
        features_of(metadata, metadata_weights),
    )
    return result.reshape(negative.shape)
