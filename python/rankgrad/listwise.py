r"""Listwise losses, of all scores of a list together, and pointwise ones, of each item on its own.

For the valid items of one list: labels y, scores s, temperature T, z = s/T, softmax p = exp(z) / sum exp(z),
q = 1 - p, item weights w, targets t = w y. Gradients and Hessians below are with respect to z; those with
respect to s have a factor 1/T and 1/T^2.

Unreduced values are one per list, or one per item for the pointwise losses. "sum_over_batch_size" divides by
their number; "mean_over_pairs" raises. A list without valid items has value 0.

``curvature="positive"`` gives max(h, 0): the exact diagonal Hessian h can be negative in Poly1, and with negative
labels or weights. The losses of smooth ranks r_i = 1 + sum_{j != i} sigmoid(z_j - z_i), ApproxNDCG and ApproxMRR,
have an indefinite Hessian; with f = dL/dr and a = sigmoid'(z_k - z_i) they give sum_i (|f_i| + |f_k|) a, that of
soft zero-one losses over the pairs. A Newton step is then never longer than T. They take near-linear time in long
lists, by the binned sums of the smooth pairwise losses, and all pairs in short ones; O(n) memory. The others take O(n)
time after one sort.

For every finite input the error of a result is at most 1e-12 (float32 scores: 1e-6; 1e-7 for smooth ranks, unique
softmax and ListMLE) of the sum of its absolute terms, and what one unit in the last place of each margin
(s_i - max s)/T, or (s_i - s_j)/T of the smooth ranks, changes: a score of the list is taken off before anything is
divided by T. A result is infinite only where the exact one is too large for its type, and a weight of 0 annihilates
its term.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from rankgrad._checks import check_choice, flag, real, whole, whole_or_none
from rankgrad._loss import RankingLoss


@dataclass(frozen=True)
class ListwiseLoss(RankingLoss):
    """Base of the listwise and pointwise losses; :class:`RankingLoss` has the parameters and the ways to call.

    `sample_weight` of the losses over smooth ranks and XE-NDCG is a number or one per list, of shape (n_lists,) or
    (n_lists, 1); the others take one per item or a column of shape (n_lists, 1).
    """

    _family = "listwise"
    _target: ClassVar[str] = "label"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.reduction == "mean_over_pairs":
            raise ValueError(f"reduction: {type(self).__name__} has no pairs for 'mean_over_pairs' to count")

    def _settings(self) -> dict[str, Any]:
        return super()._settings() | {"target": self._target_name()}

    def _target_name(self) -> str:
        return self._target


@dataclass(frozen=True)
class SoftmaxLoss(ListwiseLoss):
    """L = -sum t log p, the softmax cross-entropy with the labels as they are; g = Y p - t, h = Y p q, Y =
    sum t.

    Parameters
    ----------
    normalize_labels
        Divide the targets of each list by their sum: ListNet's top-one loss. A list whose targets sum to 0
        has value 0.

    Source: Rax ``softmax_loss``, braintools ``ranking_softmax_loss``; ListNet: Cao et al., ICML 2007.

    Examples
    --------
    >>> import rankgrad as rg
    >>> round(rg.SoftmaxLoss(reduction="sum")([1, 0, 2], [2.0, 1.0, 3.0]), 6)    # -1 log .2447 - 2 log .6652
    2.222818
    """

    normalize_labels: bool = False
    _kernel = "softmax"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "normalize_labels", flag(self.normalize_labels, "normalize_labels"))

    def _target_name(self) -> str:
        return "normalized_label" if self.normalize_labels else "label"


@dataclass(frozen=True)
class Poly1SoftmaxLoss(ListwiseLoss):
    """L = -sum t log p + epsilon (1 - sum yhat p), yhat = t / sum t, or uniform over the valid items where
    that sum is 0.

    Item weights are in t, so a weight per list, which multiplies the whole value, is something else.
    g = Y p - t - epsilon p (yhat - pt), h = Y p q - epsilon p (yhat - pt)(1 - 2p), pt = sum yhat p; h can be
    negative.

    Parameters
    ----------
    epsilon
        Weight of the second term.

    Source: Rax ``poly1_softmax_loss``; Leng et al., ICLR 2022.
    """

    epsilon: float = 1.0
    _kernel = "poly1_softmax"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "epsilon", real(self.epsilon, "epsilon"))

    def _parameters(self) -> dict[str, Any]:
        return {"epsilon": self.epsilon}


@dataclass(frozen=True)
class UniqueSoftmaxLoss(ListwiseLoss):
    """L = sum_i w_i G_i (log Z_i - z_i), Z_i = exp(z_i) + sum over items of lower labels of exp(z_j).

    Every item against itself and all items with lower labels, weighted by its gain G. In O(n log n), the sort
    being done by `bind`. With q_ik = exp(z_k) / Z_i: g_k = sum_i w_i G_i (q_ik - [i = k]), h_k = sum_i w_i
    G_i q_ik (1 - q_ik).

    Parameters
    ----------
    gain
        "exp2": G = 2^y - 1. "linear": G = y.

    Source: Rax ``unique_softmax_loss``; Zhu & Klabjan, WSDM 2020.
    """

    gain: str = "exp2"
    _kernel = "unique_softmax"
    _compares = "labels"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice(self.gain, "gain", ("exp2", "linear"))

    def _target_name(self) -> str:
        return f"{self.gain}_gain"


@dataclass(frozen=True)
class ListMLELoss(ListwiseLoss):
    """L = sum_t w_t (log sum_{j >= t} exp(z_j) - z_t) over the items by label, highest first, ties by position.

    The negative log-likelihood of that order under the Plackett-Luce model, with no epsilon inside the
    logarithm: right for any distance between the scores. With P_tk = exp(z_k) / sum_{j >= t} exp(z_j): g_k =
    sum_{t <= k} w_t P_tk - w_k, h_k = sum_{t <= k} w_t P_tk (1 - P_tk).

    An item weight w_t multiplies the item's own term alone: one of weight 0 still competes with those before it.
    A weight per list may have the shape (n_lists,), too, where the items have another.

    Cox's partial likelihood: minus the times as labels with ``negative_labels="use"``, the risk scores as scores,
    1 for an event and 0 for a censored case as `sample_weight`. Tied times are taken in the order of their
    positions, each at risk for those before it; this is not Breslow's formula.

    Source: Rax ``listmle_loss``, keras-rs ``ListMLELoss``; Xia et al., ICML 2008.

    Examples
    --------
    >>> import rankgrad as rg
    >>> days, event = [5.0, 3.0, 8.0], [1, 1, 0]
    >>> cox = rg.ListMLELoss(reduction="sum", negative_labels="use")
    >>> round(cox([-d for d in days], [0.0, 0.0, 0.0], event), 6)    # log 3 on day 3, log 2 on day 5
    1.791759
    """

    _kernel = "list_mle"
    _target = "one"
    _flat_list_weights = True


@dataclass(frozen=True)
class _SmoothRankLoss(ListwiseLoss):
    """Base of the losses of smooth ranks; the module's docstring has what they share."""

    temperature: float = 0.1
    _item_weights = False
    _flat_list_weights = True


@dataclass(frozen=True)
class ApproxNDCGLoss(_SmoothRankLoss):
    """L = -NDCG of the smooth ranks: -sum (2^y - 1) D(r) / ideal, D(r) = 1 / log2(1 + r).

    0 for lists without a positive gain. ``curvature="positive"`` gives sum_i (|f_i| + |f_k|) a, see
    ``help(rankgrad.listwise)``: never negative, and no Newton step longer than T.

    Parameters
    ----------
    k
        NDCG@k: D(r) is multiplied by sigmoid((k + 1/2 - r) / T), a step at k as T goes to 0, in lists of more
        than k items; the ideal is that of the first k ranks. The derivatives are those of this value. (Rax
        instead cuts the scores half way between ranks k and k + 1 and takes that place for constant.)

    Source: Rax ``approx_t12n(ndcg_metric)``, TF-Ranking ``ApproxNDCGLoss``; Qin, Liu & Li, 2010; Bruch et
    al., SIGIR 2019.
    """

    k: int | None = None
    _kernel = "approx_ndcg"
    _target = "exp2_gain"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "k", whole_or_none(self.k, "k", 1, 2**62))

    def _parameters(self) -> dict[str, Any]:
        return {"k": self.k}


@dataclass(frozen=True)
class ApproxMRRLoss(_SmoothRankLoss):
    """L = -1 / (the least smooth rank of the relevant items, y >= 1); 0 without relevant items.

    Equal least ranks share the gradient. With one relevant item this is TF-Ranking's ``ApproxMRRLoss`` too;
    with several, TF-Ranking averages 1/r over them with the labels as weights, while this, as Rax, is the
    metric of the smooth ranks. ``curvature="positive"`` as in :class:`ApproxNDCGLoss`.

    Source: Rax ``approx_t12n(mrr_metric)``; Qin, Liu & Li, 2010.
    """

    _kernel = "approx_mrr"
    _target = "relevant"


@dataclass(frozen=True)
class XENDCGLoss(ListwiseLoss):
    """L = -sum phi / (sum phi) log p with phi = 2^y - u and u uniform noise in [0, 1), drawn anew for each
    iteration.

    A convex bound on NDCG's negative. The derivatives are those of this value (LightGBM's ``rank_xendcg``
    takes an approximate Newton direction instead). The noise is a pure function of (seed, iteration, list,
    position in the list): the same for any number of threads, batch padding and order of calls.

    Pass every call the number of the boosting round or training step as ``iteration=``.

    Parameters
    ----------
    seed
        Of the noise; from 0 to 2^64 - 1.

    Source: Bruch, "An Alternative Cross Entropy Loss for Learning-to-Rank", WWW 2021.
    """

    seed: int = 0
    _kernel = "softmax"
    _target = "noisy_power"
    _has_noise = True
    _item_weights = False
    _flat_list_weights = True

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "seed", whole(self.seed, "seed", 0, 2**64 - 1))

    def _settings(self) -> dict[str, Any]:
        return super()._settings() | {"seed": self.seed}
