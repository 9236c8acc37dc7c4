"""What is evaluated in JAX: losses over lists, bound or not, and all else that has scores.

A problem keeps what is known when a program is traced; `data` are its arrays, some of them traced. All that can be
checked then is, by the checks of NumPy's calls: stand-ins have the places of traced arrays.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rankgrad import _core
from rankgrad._arrays import as_labels, as_mask, as_weights
from rankgrad._checks import thread_count, whole
from rankgrad._data import Data
from rankgrad._frameworks import _jax_calls as calls
from rankgrad._frameworks import Results
from rankgrad._frameworks._jax_calls import Arrays, is_traced
from rankgrad._settings_text import settings_text
from rankgrad.ranking_softmax import RankingSoftmaxLoss, _in_own_words, _known_reduction, _reduction_of

_BOUNDARIES = ("groups", "offsets", "qid")


class Problem:
    """Scores in, value and derivatives out; `second` says whether products with the Hessian are known."""

    second = False
    unreduced = False
    data: Arrays = ()

    def kernel(
        self, mode: int, scores: Arrays, data: Arrays, cotangent: Any = None, vector: Any = None
    ) -> Arrays:
        """One call of the core: the value where the mode has one, then the derivatives, by each of the scores."""
        raise NotImplementedError


class ListsProblem(Problem):
    """A loss over lists: `objective` is bound to the data, or to stand-ins; `bind` gives the one for NumPy's data.

    `facts` are what the text for the core says of the data.
    """

    second = True
    in_words: Callable[[Callable[..., Any]], Callable[..., Any]] | None = None

    def __init__(
        self,
        objective: Any,
        bind: Callable[..., Any],
        data: Arrays,
        facts: dict[str, Any],
        algorithm: str,
        n_threads: Any,
        iteration: Any,
        least: float = 0.0,
    ) -> None:
        self.objective, self._least = objective, least
        self._n_threads, self._iteration = n_threads, iteration
        self.unreduced = objective._unreduced
        self._n_data, loss = len(data), objective._loss
        facts = facts | {"threads": thread_count(n_threads), "min_hessian": least}
        facts |= {"unreduced": self.unreduced, "check_vector": None if loss.nan == "raise" else False}
        if is_traced(iteration):
            data, facts["counted"] = (*data, iteration), True
        else:
            facts["iteration"] = whole(iteration, "iteration", 0, 2**64 - 1)
        self._constants = [None if is_traced(x) else _constant(x) for x in data]
        self.data = tuple(plain(x) for x in data if is_traced(x))
        self._bind = bind if self.data else lambda *_: objective
        self._loss = (loss._family, loss._settings() | {"algorithm": algorithm})
        self._facts = {key: x for key, x in facts.items() if x or key == "check_vector"}  # else it is the usual

    def check(self, x: Any, cotangent: Any, vector: Any) -> None:
        """What shapes tell, and numbers that are known."""
        objective = self.objective
        scores = objective._scores(np.zeros(x.shape, x.dtype))
        if cotangent is not None:
            objective._cotangent(stand_in(cotangent))
        if vector is not None:
            objective._vector(stand_in(vector), scores)

    def values_shape(self, x: Any) -> tuple[int, ...]:
        if not self.unreduced:
            return ()
        own: tuple[int, ...] = self.objective._values_shape
        return x.shape if self.objective._core.values_per_item else own

    def kernel(
        self, mode: int, scores: Arrays, data: Arrays, cotangent: Any = None, vector: Any = None
    ) -> Arrays:
        (x,) = scores
        like_scores = jax.ShapeDtypeStruct(x.shape, x.dtype)
        with_value = mode in (_core.VALUE, _core.VALUE_GRAD)
        results = [jax.ShapeDtypeStruct(self.values_shape(x), x.dtype)] if with_value else []
        results += [like_scores] * {_core.VALUE: 0, _core.VALUE_GRAD: 1, _core.HESS_VECTOR: 1}.get(mode, 2)
        extra = tuple(each for each in (cotangent, vector) if each is not None)
        n, data = 1 + self._n_data, calls.merged(self._constants, data)
        operands = (x, *data[: n - 1], *extra, *data[n - 1 :])

        def host(x: Any, *rest: Any) -> Arrays:
            own, others = rest[: n - 1], list(rest[n - 1 :])
            c = None if cotangent is None else others.pop(0)
            v = None if vector is None else others.pop(0)
            iteration = int(others[0]) if others else self._iteration
            call = self._bind(*own)._evaluate
            if self.in_words is not None:
                call = self.in_words(call)
            all_of = call(mode, (x,), c, None, self._n_threads, iteration, v, self._least)
            return tuple(np.asarray(each, x.dtype) for each in _wanted(all_of, mode))

        return calls.call(host, self._text(mode, x, cotangent), operands, results)

    def _text(self, mode: int, x: Any, cotangent: Any) -> str | None:
        """None where a callback has to do: scores are converted first, or errors have words of their own."""
        loss = self.objective._loss
        if loss.dtype not in (None, x.dtype.name) or (self.in_words is not None and loss.nan == "raise"):
            return None
        each = None if cotangent is None else "all" if np.ndim(cotangent) == 0 else "item"
        call = {"loss": self._loss, "mode": mode, "rank": x.ndim, "cotangent": each}
        return settings_text(("call", call | self._facts))


def of_loss(
    loss: Any, data: Data, n_threads: Any, iteration: Any, bind: Callable[[Data], Any]
) -> ListsProblem:
    """The problem of a call of a loss; data that are not traced are constants of the program."""
    labels, mask = data.y_true, None
    if isinstance(labels, dict):
        labels, mask = labels.get("labels"), labels.get("mask")
    stand_ins = jax.tree.map(stand_in, data._replace(**dict.fromkeys(_BOUNDARIES)), is_leaf=is_whole)
    given = [name for name in _BOUNDARIES if getattr(data, name) is not None]
    bounds = {name: getattr(data, name) for name in given}
    traced = next((name for name in given if is_traced(bounds[name])), None)
    n = int(np.prod(np.shape(labels) if is_traced(labels) else as_labels(labels, "labels (y_true)").shape))
    objective = bind(stand_ins._replace(**{name: _bounds_stand_in(name, x, n) for name, x in bounds.items()}))
    if traced == "qid":
        _refuse_unknown_lists(objective, data.sample_weight)
    arrays: dict[str, Any] = {"labels": labels if is_traced(labels) else exact(as_labels(labels, "labels"))}
    facts: dict[str, Any] = {"mask": mask is not None}
    if mask is not None:
        arrays["mask"] = mask if is_traced(mask) else as_mask(mask, "mask", np.shape(mask)) != 0
    if given:
        facts["lists"] = traced or "offsets"
        arrays[facts["lists"]] = bounds[traced] if traced else exact(objective._core.offsets(), "offsets")
    if (w := data.sample_weight) is not None:
        arrays["sample_weight"] = w = w if is_traced(w) else as_weights(w, "sample_weight")
        facts["weight"] = _each(w, objective, loss)
    names = tuple(arrays)

    def bind_numpy(*numbers: Any) -> Any:
        by_name = dict(zip(names, numbers, strict=True))
        y = by_name.pop("labels")
        return bind(Data({"labels": y, "mask": by_name.pop("mask")} if mask is not None else y, **by_name))

    return ListsProblem(
        objective, bind_numpy, tuple(arrays.values()), facts, "auto", n_threads, iteration
    )


def of_objective(objective: Any, n_threads: Any, iteration: Any, least: float) -> ListsProblem:
    """The problem of a bound objective: its own data are operands, too, so that a program is right in any process."""
    core, source = objective._core, objective._source
    number, per_item, per_list = core.weights()
    facts: dict[str, Any] = {"lists": "offsets", "mask": core.n_valid < core.n_items}
    data = [exact(source.labels), exact(core.offsets(), "offsets")]
    if facts["mask"]:
        data.insert(1, core.valid())
    for each, weight in (("all", number), ("item", per_item), ("list", per_list)):
        if weight is not None:
            facts["weight"] = each
            data.append(np.asarray(weight))
    loss = objective._loss
    digest = hashlib.blake2b(repr((type(loss), loss, source.algorithm, facts)).encode(), digest_size=16)
    for array in data:
        digest.update(str((array.dtype, array.shape)).encode() + np.ascontiguousarray(array).tobytes())
    facts["shared"] = f"d{digest.hexdigest()}"
    _core.xla_share(core, facts["shared"])
    return ListsProblem(
        objective, lambda *_: objective, tuple(data), facts, source.algorithm, n_threads, iteration, least
    )


def of_softmax(
    owner: RankingSoftmaxLoss,
    mode: int,
    x: Any,
    labels: Any,
    where: Any,
    weights: Any,
    reduction: Any,
    reduce_fn: Any,
    nan: str,
    n_threads: Any,
) -> tuple[ListsProblem, Any]:
    """The rows of a `ranking_softmax_loss`, and a function that is to reduce their values."""
    name, custom = _reduction_of(reduction, reduce_fn)
    if mode != _core.VALUE:
        name = _known_reduction(reduction, reduce_fn)
    bind = _in_own_words(owner._bind)
    objective = bind(x.shape, *map(stand_in, (labels, where, weights)), name, nan)
    data = [labels if is_traced(labels) else exact(as_labels(labels, "labels"), "labels")]
    data += [x if is_traced(x) else np.asarray(x) for x in (where, weights) if x is not None]
    shape = objective.shape

    def bind_numpy(*numbers: Any) -> Any:
        rest = iter(numbers[1:])
        return bind(shape, numbers[0], *(None if x is None else next(rest) for x in (where, weights)), name, nan)

    facts = {"mask": where is not None, "weight": None if weights is None else "item"}
    wide = tuple(jnp.broadcast_to(x, shape) for x in data)
    problem = ListsProblem(objective, bind_numpy, wide, facts, "auto", n_threads, 0)
    problem.in_words = _in_own_words
    return problem, custom


class OtherProblem(Problem):
    """Any evaluation, with its constants as they came: a callback puts numbers for what of them is traced."""

    def __init__(
        self,
        function: Callable[..., Results],
        owner: Any,
        mode: int,
        scores: Arrays,
        constants: Arrays,
        with_cotangent: Callable[[Arrays, Any], Arrays] | None = None,
        cotangent: Any = None,
    ) -> None:
        self._function, self._owner = function, owner
        self._leaves, self._tree = jax.tree.flatten(constants, is_leaf=is_whole)
        self._places = [k for k, leaf in enumerate(self._leaves) if is_traced(leaf)]
        self.data = tuple(plain(self._leaves[k]) for k in self._places)
        self._with_cotangent = with_cotangent
        stand_ins = tuple(map(stand_in, scores)), tuple(map(stand_in, self.data))
        checked = self._evaluate(mode, *stand_ins, None if cotangent is None else stand_in(cotangent))
        self._values_shape = np.shape(checked[0])

    def _evaluate(self, mode: int, scores: Arrays, data: Arrays, cotangent: Any = None) -> Results:
        leaves = list(self._leaves)
        for place, number in zip(self._places, data, strict=True):
            leaves[place] = number
        constants: Any = jax.tree.unflatten(self._tree, leaves)
        if cotangent is not None and self._with_cotangent is not None:
            constants = self._with_cotangent(constants, cotangent)
        return self._function(self._owner, mode, scores, *constants)

    def kernel(
        self,
        mode: int,
        scores: Arrays,
        data: Arrays,
        cotangent: Any = None,
        vector: Any = None,
        *,
        value_dtype: Any = None,
    ) -> Arrays:
        dtype = value_dtype or scores[0].dtype
        like_scores = [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in scores]
        with_value = mode in (_core.VALUE, _core.VALUE_GRAD)
        results = [jax.ShapeDtypeStruct(self._values_shape, dtype)] if with_value else []
        results += like_scores * {_core.VALUE: 0, _core.VALUE_GRAD: 1}.get(mode, 2)
        n, extra = len(scores), () if cotangent is None else (cotangent,)

        def host(*arrays: Any) -> Arrays:
            own, c = arrays[n:], None
            if extra:
                *own, c = own
            parts = self._evaluate(mode, arrays[:n], tuple(x[()] for x in own), c)
            return tuple(np.asarray(x, each.dtype) for x, each in zip(_wanted(parts, mode), results, strict=True))

        return calls.call(host, None, (*scores, *data, *extra), results)


def _wanted(results: Results, mode: int) -> list[Any]:
    """The arrays of the mode, in a row."""
    parts = {_core.VALUE: results[:1], _core.VALUE_GRAD: results[:2], _core.HESS_VECTOR: results[1:2]}
    wanted = parts.get(mode, results[1:])
    return [x for part in wanted for x in (part if isinstance(part, tuple) else (part,))]


def is_whole(x: Any) -> bool:
    """Lists, and dicts without arrays of JAX, are constants as they are."""
    return type(x) is list or (isinstance(x, dict) and not any(isinstance(v, jax.Array) for v in x.values()))


def stand_in(x: Any) -> Any:
    """Numbers of the shape and type that a traced array has; anything else in NumPy's own terms."""
    if not is_traced(x):
        return calls.to_numpy(x)
    dtype = np.dtype(np.float32) if jnp.issubdtype(x.dtype, np.floating) and x.dtype.itemsize < 4 else x.dtype
    if x.ndim == 0 and dtype.kind in "iu":
        return dtype.type(np.iinfo(dtype).max)  # a number of steps, or of items in a catalogue
    return (np.ones if dtype == np.bool_ else np.zeros)(x.shape, dtype)[()]


def _bounds_stand_in(name: str, x: Any, n_items: int) -> Any:
    """Boundaries that fit: one list of everything."""
    if not is_traced(x):
        return calls.to_numpy(x)
    if x.dtype.kind not in "iu":
        raise TypeError(f"{name}: integers are wanted of what is traced, got {x.dtype}")
    bounds = np.zeros(x.shape, np.int64)
    if name != "qid" and x.ndim == 1 and x.size > 0:
        bounds[0 if name == "groups" else -1] = n_items
    return bounds


def _refuse_unknown_lists(objective: Any, weight: Any) -> None:
    per_list = objective._loss.reduction in (None, "none") and not objective._core.values_per_item
    if per_list or np.ndim(weight) == 2:
        what = "values of reduction 'none'" if per_list else "weights"
        raise ValueError(
            f"qid: is traced, so the number of lists, and of the {what}, is not known; pass groups= or offsets="
        )


def _each(weight: Any, objective: Any, loss: Any) -> str:
    """What there is a weight of, whose shape has been checked."""
    if np.ndim(weight) == 0:
        return "all"
    return "item" if loss._item_weights and np.shape(weight) == objective.shape else "list"


def exact(x: Any, name: str = "labels (y_true)") -> Any:
    """An array of NumPy in the type that JAX has for it."""
    dtype = jax.dtypes.canonicalize_dtype(x.dtype)
    with np.errstate(all="ignore"):
        cast = x.astype(dtype)
        if x.dtype == dtype or np.array_equal(cast.astype(x.dtype), x, equal_nan=x.dtype.kind == "f"):
            return cast
    raise ValueError(
        f"{name}: {x.dtype} numbers that {dtype} does not hold, which is what JAX has for them: turn on "
        f"jax_enable_x64, or pass {dtype} numbers"
    )


def _constant(x: Any) -> Any:
    """In JAX's own type, still NumPy's: within a program a constant of JAX counts as traced."""
    with np.errstate(all="ignore"):
        return np.asarray(x).astype(jax.dtypes.canonicalize_dtype(x.dtype))


def plain(x: Any) -> Any:
    """What is traced, as the core reads it; it has no derivatives."""
    x = jax.lax.stop_gradient(x)
    half = jnp.issubdtype(x.dtype, np.floating) and x.dtype.itemsize < 4
    return x.astype(np.float32) if half else x
