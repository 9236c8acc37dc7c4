"""torch: tensors in, tensors out, and derivatives as torch takes them.

A value that needs a gradient is evaluated together with it, in one call of the core, and the gradient is kept for the
backward pass. The derivative of a gradient is a Hessian-vector product. In eager mode this is an autograd function; in
a program that is compiled or exported it is an operator of torch's library, `rankgrad::evaluate`, which knows the loss
by a text (see `records`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from rankgrad._core import HESS_VECTOR, VALUE, VALUE_GRAD
from rankgrad._frameworks import Results, records
from rankgrad._frameworks.calls import NOT_KNOWN, Call, names_of_scores, parts
from rankgrad.implicit import ImplicitLoss
from rankgrad.objective import Objective
from rankgrad.ranking_softmax import RankingSoftmaxLoss

_in_transform = getattr(torch._C, "_are_functorch_transforms_active", lambda: False)


def _name_of(owner: Any) -> str:
    return records.name_of(owner)


# As torch.compiler.assume_constant_result does it, without its import of two seconds.
_name_of._dynamo_marked_constant = True  # type: ignore[attr-defined]


def evaluate(function: Any, owner: Any, mode: int, scores: tuple[Any, ...], *constants: Any) -> Results:
    """What `function` gives for tensors, as tensors of their dtype."""
    dtypes = _dtypes_of(owner, scores)
    wide = [x.to(_computed_in(dtype)) for x, dtype in zip(scores, dtypes, strict=True)]
    without_numbers = torch.compiler.is_compiling() or wide[0].device.type == "meta"
    evaluate_in = _in_graph if without_numbers else _in_eager_mode
    value, *derivatives = evaluate_in(function, owner, mode, wide, constants)
    if value is not None:
        value = value.to(_common(dtypes))
    grads, hesses = (_as_given(d, dtypes) for d in derivatives)
    return value, grads, hesses


def _dtypes_of(owner: Any, scores: tuple[Any, ...]) -> list[torch.dtype]:
    """The dtypes of the scores, all of which are tensors that can be taken."""
    names = names_of_scores(owner)
    for name, x in zip(names, scores, strict=True):
        if not isinstance(x, Tensor):
            raise TypeError(f"{name}: a tensor is wanted, as the other scores are, got {type(x).__name__}")
        if x.device.type not in ("cpu", "meta"):
            raise ValueError(
                f"{name}: is on device {x.device}; rankgrad computes on the CPU: pass its .cpu()"
            )
        if x.layout is not torch.strided:
            raise TypeError(f"{name}: a dense tensor is wanted, got the layout {x.layout}")
        if not x.is_floating_point():
            raise TypeError(f"{name}: floating-point numbers are wanted in a tensor, got {x.dtype}")
    return [x.dtype for x in scores]


def _computed_in(dtype: torch.dtype) -> torch.dtype:
    return torch.float64 if dtype == torch.float64 else torch.float32


def _common(dtypes: list[torch.dtype]) -> torch.dtype:
    return dtypes[0] if len(dtypes) == 1 else torch.promote_types(*dtypes)


def _as_given(derivative: Any, dtypes: list[torch.dtype]) -> Any:
    """A derivative in the dtypes of the scores: one tensor, or one for each."""
    if derivative is None:
        return None
    parts = tuple(x.to(dtype) for x, dtype in zip(derivative, dtypes, strict=True))
    return parts if len(parts) > 1 else parts[0]


def _is_part_of_a_graph(owner: Any, scores: Sequence[Tensor]) -> bool:
    """Whether a value needs a gradient, or is asked for a tangent, which is refused; a metric has neither."""
    if isinstance(owner, str):
        return False
    if forward_ad._current_level >= 0:
        return True
    return torch.is_grad_enabled() and any(x.requires_grad for x in scores)


# --- eager mode -------------------------------------------------------------------------------------------------------


def _in_eager_mode(
    function: Any, owner: Any, mode: int, scores: list[Tensor], constants: tuple[Any, ...]
) -> tuple[Any, Any, Any]:
    if _in_transform():
        raise NotImplementedError(
            "the transforms of torch.func are not supported; backward and torch.autograd are"
        )
    call = Call(function, owner, mode, [tuple(x.shape) for x in scores], constants)
    if call.shape is not None:
        scores = [x.expand(call.shape) for x in scores]
    if mode == VALUE and _is_part_of_a_graph(owner, scores):
        return _Value.apply(call, *scores)[0], None, None
    value, *derivatives = call(mode, tuple(x.detach().numpy() for x in scores))
    value = None if value is None else _tensor(value, scores[0].dtype)
    grad, hess = (None if d is None else _tensors(d, scores[0].dtype) for d in derivatives)
    return value, grad, hess


def _tensor(x: Any, dtype: torch.dtype) -> Tensor:
    return torch.as_tensor(x, dtype=dtype)


def _tensors(derivative: Any, dtype: torch.dtype) -> list[Tensor]:
    return [_tensor(x, dtype) for x in parts(derivative)]


class _Value(torch.autograd.Function):
    """The value and, as outputs that are part of the graph, its gradients: so the second derivative is found.

    The context is an argument of `forward`: a `setup_context`, which the transforms of torch.func want, takes as long
    as all else.
    """

    @staticmethod
    def forward(ctx: Any, call: Call, *scores: Tensor) -> tuple[Tensor, ...]:
        value, grads, _ = call(VALUE_GRAD, tuple(x.detach().numpy() for x in scores))
        output = (_tensor(value, scores[0].dtype), *_tensors(grads, scores[0].dtype))
        ctx.call = call
        _keep(ctx, scores, output)
        return output

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor | None) -> Any:
        def derivative(mode: int, direction: Tensor, scores: Sequence[Tensor]) -> Any:
            return _Derivative.apply(ctx.call, mode, direction, *scores)

        return None, *_backward(ctx, cotangents, ctx.call.has_second, derivative)


class _Derivative(torch.autograd.Function):
    """Gradients under a cotangent, or the product of the Hessian and a vector."""

    @staticmethod
    def forward(_ctx: Any, call: Call, mode: int, direction: Tensor, *scores: Tensor) -> tuple[Tensor, ...]:
        product = call(mode, tuple(x.detach().numpy() for x in scores), direction.detach().numpy())[1]
        return tuple(_tensors(product, scores[0].dtype))

    @staticmethod
    def backward(_ctx: Any, *_cotangents: Tensor) -> Any:
        raise NotImplementedError(NOT_KNOWN)


# --- what both modes share --------------------------------------------------------------------------------------------


def _keep(ctx: Any, scores: Sequence[Tensor], output: Sequence[Tensor]) -> None:
    """For the backward pass: the scores, and the gradients of a value that is a number."""
    ctx.set_materialize_grads(False)
    value, *grads = output
    ctx.n_scores = len(scores)
    ctx.save_for_backward(*scores, *(grads if value.ndim == 0 else ()))


def _backward(ctx: Any, cotangents: Sequence[Tensor | None], has_second: bool, derivative: Any) -> list[Any]:
    """The cotangents of the scores for those of the value and of its gradients."""
    saved = ctx.saved_tensors
    scores, grads = saved[: ctx.n_scores], saved[ctx.n_scores :]
    of_value, *of_grads = cotangents
    result: list[Any] = [None] * len(scores)
    if of_value is not None:
        result = [of_value * g for g in grads] or list(derivative(VALUE_GRAD, of_value, scores))
    for direction in of_grads:
        if direction is None:
            continue
        if not has_second:
            raise NotImplementedError(NOT_KNOWN)
        product = derivative(HESS_VECTOR, direction, scores)[0]
        result = [product if result[0] is None else result[0] + product]
    return result


# --- compiled programs ------------------------------------------------------------------------------------------------


def _in_graph(
    _function: Any, owner: Any, mode: int, scores: list[Tensor], constants: tuple[Any, ...]
) -> tuple[Any, Any, Any]:
    if isinstance(owner, RankingSoftmaxLoss):
        others = [torch.as_tensor(x).shape for x in constants[:3] if x is not None]
        scores = [x.expand(torch.broadcast_shapes(x.shape, *others)) for x in scores]
    record = records.Record(_as_tensor)
    template = record.template(constants)
    name = records.name_of_objective(owner) if isinstance(owner, Objective) else _name_of(owner)
    if mode == VALUE and _is_part_of_a_graph(owner, scores):
        gives = VALUE_GRAD
    else:
        gives, scores = mode, [x.detach() for x in scores]
    text = f"{name}\n{template!r}"
    results = _evaluate(scores, None, record.arrays, record.wholes, record.reals, text, mode, gives)
    n = len(scores)
    if mode == VALUE:
        return results[0], None, None
    if mode == VALUE_GRAD:
        return results[0], results[1:], None
    return None, results[:n], results[n:] or None


def _as_tensor(x: Any) -> Tensor:
    if not isinstance(x, Tensor):
        return torch.as_tensor(x)
    if x.requires_grad:
        raise TypeError("labels, weights and masks are constants, but one requires grad: pass its .detach()")
    return x


@torch.library.custom_op("rankgrad::evaluate", mutates_args=(), device_types="cpu")
def _evaluate(
    scores: Sequence[Tensor],
    direction: Tensor | None,
    arrays: Sequence[Tensor],
    wholes: Sequence[int],
    reals: Sequence[float],
    text: str,
    mode: int,
    gives: int,
) -> list[Tensor]:
    """Value, gradients and Hessians, what the mode `gives` has of them; under a direction the derivatives alone."""
    call = _call_of(scores, arrays, wholes, reals, text, mode)
    plain = tuple(x.detach().numpy() for x in scores)
    value, *derivatives = call(gives, plain, None if direction is None else direction.numpy())
    has_value = gives in (VALUE, VALUE_GRAD) and direction is None
    results = [_tensor(value, scores[0].dtype)] if has_value else []
    for each in derivatives:
        results += [] if each is None else _tensors(each, scores[0].dtype)
    return results


def _call_of(scores: Any, arrays: Any, wholes: Any, reals: Any, text: str, mode: int) -> Call:
    function, owner, template = records.read(text)
    constants = records.rebuilt(template, [x.numpy() for x in arrays], wholes, reals)
    return Call(function, owner, mode, [tuple(x.shape) for x in scores], constants)


@_evaluate.register_fake
def _(
    scores: Any, direction: Any, arrays: Any, wholes: Any, reals: Any, text: str, mode: int, gives: int
) -> Any:
    _, owner, template = records.read(text)
    like = [torch.empty_like(x, memory_format=torch.contiguous_format) for x in scores]
    if gives == HESS_VECTOR or (gives == VALUE_GRAD and direction is not None):
        return like
    if gives not in (VALUE, VALUE_GRAD):
        return like + [torch.empty_like(x) for x in like]
    constants = records.rebuilt(template, arrays, wholes, reals)
    some = torch.library.get_ctx().new_dynamic_size if torch.compiler.is_compiling() else None
    shape = records.values_shape(owner, [tuple(x.shape) for x in scores], constants, some)
    return [scores[0].new_empty(shape), *(like if gives == VALUE_GRAD else ())]


def _setup(ctx: Any, inputs: Any, output: Any) -> None:
    scores, direction, *ctx.others = inputs
    ctx.is_value = direction is None
    if ctx.is_value:
        _keep(ctx, scores, output)


def _operator_backward(ctx: Any, cotangents: Any) -> Any:
    if not ctx.is_value:
        raise NotImplementedError(NOT_KNOWN)

    def derivative(mode: int, direction: Tensor, scores: Sequence[Tensor]) -> Any:
        return _evaluate(list(scores), direction, *ctx.others[:-1], mode)

    arrays, wholes, reals, text, *_ = ctx.others
    owner = records.read(text)[1]
    reduced = not isinstance(owner, (ImplicitLoss, str)) and len(ctx.saved_tensors) > ctx.n_scores
    of_scores = _backward(ctx, cotangents, reduced, derivative)
    nothing = [
        None if x and not isinstance(x[0], Tensor) else [None] * len(x) for x in (arrays, wholes, reals)
    ]
    return of_scores, None, *nothing, None, None, None


_evaluate.register_autograd(_operator_backward, setup_context=_setup)
