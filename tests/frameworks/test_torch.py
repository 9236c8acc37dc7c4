"""torch: tensors in, tensors out, with derivatives by torch's own rules."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import rankgrad as rg

torch = pytest.importorskip("torch", reason="torch is not installed")

from rankgrad._frameworks import torch as member  # noqa: E402

RNG = np.random.default_rng(7)
LABELS = RNG.integers(0, 4, (3, 6))
SCORES = RNG.normal(size=(3, 6))
MASK = RNG.random((3, 6)) < 0.8
SIZES = np.array([4, 0, 9, 5])

LOSSES: dict[str, Any] = {
    "hinge": rg.PairwiseHingeLoss(),
    "squared hinge": rg.PairwiseSquaredHingeLoss(0.7),
    "logistic": rg.PairwiseLogisticLoss(0.7, reduction="sum"),
    "soft zero-one": rg.PairwiseSoftZeroOneLoss(reduction="mean_over_pairs"),
    "exponential": rg.PairwiseExponentialLoss(),
    "quantile": rg.PairwiseQuantileLoss(tau=0.3, squared=True),
    "mean squared error": rg.PairwiseMeanSquaredError(reduction="mean_over_lists"),
    "delta NDCG": rg.PairwiseLogisticLoss(lambda_weight=rg.NDCGWeight(k=3, gain=[0, 1, 3, 7], truncation=4)),
    "label difference": rg.PairwiseHingeLoss(lambda_weight=rg.LabelDifferenceWeight()),
    "softmax": rg.SoftmaxLoss(normalize_labels=True),
    "poly1": rg.Poly1SoftmaxLoss(epsilon=0.5),
    "unique softmax": rg.UniqueSoftmaxLoss(),
    "list mle": rg.ListMLELoss(reduction="mean_over_items"),
    "approximate NDCG": rg.ApproxNDCGLoss(k=3),
    "approximate MRR": rg.ApproxMRRLoss(),
    "XE-NDCG": rg.XENDCGLoss(seed=5),
    "sigmoid": rg.SigmoidCrossEntropyLoss(),
    "squared error": rg.PointwiseMeanSquaredError(),
}
SMOOTH = [
    name
    for name in LOSSES
    if name not in ("hinge", "label difference", "approximate MRR", "quantile", "delta NDCG")
]

#: How labels and scores are given: arguments of a loss beside the scores, and the shape of the scores.
FORMS: dict[str, tuple[Any, dict[str, Any], tuple[int, ...]]] = {
    "padded": (np.where(MASK, LABELS, -1), {}, (3, 6)),
    "mask": ({"labels": LABELS, "mask": MASK}, {}, (3, 6)),
    "groups": (LABELS.ravel(), {"groups": SIZES}, (18,)),
    "offsets": (LABELS.ravel(), {"offsets": np.r_[0, np.cumsum(SIZES)]}, (18,)),
    "qid": (LABELS.ravel(), {"qid": np.repeat([3, 9, 4], [4, 9, 5])}, (18,)),
    "one list": (LABELS.ravel(), {}, (18,)),
}


def tensors(x: Any) -> Any:
    if isinstance(x, dict):
        return {key: tensors(value) for key, value in x.items()}
    return torch.from_numpy(np.ascontiguousarray(x)) if isinstance(x, np.ndarray) else x


def scores(shape: tuple[int, ...] = (3, 6), dtype: Any = torch.float64) -> Any:
    return torch.tensor(SCORES.reshape(shape), dtype=dtype, requires_grad=True)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", LOSSES)
def test_value_and_gradient_are_numpys(name: str, dtype: Any, form: str) -> None:
    labels, lists, shape = FORMS[form]
    s = scores(shape, dtype)
    value, grad = LOSSES[name].value_and_grad(labels, s.detach().numpy(), **lists)
    got = LOSSES[name](tensors(labels), s, **tensors(lists))
    assert got.dtype == dtype
    assert got.shape == ()
    got.backward()
    assert got.item() == np.dtype(str(dtype).removeprefix("torch.")).type(value)
    np.testing.assert_array_equal(s.grad.numpy(), grad)
    for explicit in (
        LOSSES[name].value_and_grad(labels, s, **lists),
        LOSSES[name].bind(labels, **lists).value_and_grad(s),
    ):
        assert not explicit[0].requires_grad
        np.testing.assert_array_equal(explicit[1].numpy(), grad)


@pytest.mark.parametrize("name", SMOOTH)
def test_first_and_second_derivative_by_differences(name: str) -> None:
    loss = LOSSES[name]
    assert torch.autograd.gradcheck(lambda s: loss(LABELS, s), (scores(),))
    assert torch.autograd.gradgradcheck(lambda s: loss(LABELS, s), (scores(),))
    assert torch.autograd.gradgradcheck(loss.bind(LABELS).value, (scores(),))


@pytest.mark.parametrize("name", LOSSES)
def test_unreduced_values(name: str) -> None:
    loss = type(LOSSES[name])(**{**LOSSES[name].__dict__, "reduction": "none"})
    s = scores()
    values = loss(LABELS, s)
    np.testing.assert_array_equal(values.detach().numpy(), loss(LABELS, SCORES))
    cotangent = RNG.normal(size=values.shape)
    values.backward(torch.tensor(cotangent))
    np.testing.assert_array_equal(s.grad.numpy(), loss.value_and_grad(LABELS, SCORES, cotangent=cotangent)[1])
    (grad,) = torch.autograd.grad(loss(LABELS, s).sum(), s, create_graph=True)
    with pytest.raises(NotImplementedError, match="neither that of reduction='none'"):
        grad.sum().backward()


def test_the_derivatives_that_there_are_and_the_third() -> None:
    s = scores()
    loss = rg.PairwiseLogisticLoss(reduction="sum")
    (grad,) = torch.autograd.grad(loss(LABELS, s), s, create_graph=True)
    v = torch.tensor(RNG.normal(size=s.shape))
    (product,) = torch.autograd.grad((grad * v).sum(), s, create_graph=True)
    want = loss.bind(LABELS).hessp(SCORES, v.numpy())
    np.testing.assert_allclose(product.detach().numpy(), want, rtol=1e-12)
    np.testing.assert_allclose(loss.bind(LABELS).hessp(s, v).numpy(), want, rtol=1e-12)
    with pytest.raises(NotImplementedError, match="any third one"):
        product.sum().backward()


def test_a_value_that_is_scaled_and_added() -> None:
    s, t = scores(), scores()
    total = 3 * LOSSES["logistic"](LABELS, 2 * s) + LOSSES["softmax"](LABELS, t * t).log()
    total.backward()
    want = 6 * LOSSES["logistic"].value_and_grad(LABELS, 2 * SCORES)[1]
    np.testing.assert_allclose(s.grad.numpy(), want, rtol=1e-14)


def test_weights_and_cotangents() -> None:
    s, item, per_list = scores(), RNG.random((3, 6)), RNG.random((3, 1))
    loss = rg.PairwiseLogisticLoss()
    for weight in (2.5, item, per_list):
        s.grad = None
        loss(LABELS, s, tensors(weight)).backward()
        np.testing.assert_array_equal(s.grad.numpy(), loss.value_and_grad(LABELS, SCORES, weight)[1])
    s.grad = None
    loss.bind(LABELS).value(s, cotangent=5.0).backward()  # which changes no value
    np.testing.assert_array_equal(s.grad.numpy(), loss.value_and_grad(LABELS, SCORES)[1])
    got = loss.value_and_grad(LABELS, s, cotangent=torch.tensor(5.0))[1]
    np.testing.assert_array_equal(got.numpy(), loss.value_and_grad(LABELS, SCORES, cotangent=5.0)[1])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_single(dtype: Any) -> None:
    s = scores(dtype=dtype)
    value = rg.PairwiseLogisticLoss()(LABELS, s)
    assert value.dtype == dtype
    value.backward()
    want, grad = rg.PairwiseLogisticLoss().value_and_grad(LABELS, s.detach().float().numpy())
    assert value.item() == torch.tensor(want).to(dtype).item()
    assert torch.equal(s.grad, torch.from_numpy(grad).to(dtype))
    wide = rg.PairwiseLogisticLoss(dtype="float64").value_and_grad(LABELS, s)
    assert [x.dtype for x in wide] == [dtype, dtype]


def test_grad_and_hess_and_products_are_detached() -> None:
    s = scores()
    objective = LOSSES["logistic"].bind(LABELS)
    results = (
        *LOSSES["logistic"].grad_and_hess(LABELS, s),
        objective.hessp(s, s.detach()),
        *objective.grad_and_hess(s),
    )
    want = (
        *objective.grad_and_hess(SCORES),
        objective.hessp(SCORES, SCORES),
        *objective.grad_and_hess(SCORES),
    )
    for got, expected in zip(results, want, strict=True):
        assert not got.requires_grad
        np.testing.assert_array_equal(got.numpy(), expected)


IMPLICIT: dict[str, tuple[Any, dict[str, Any]]] = {
    "bpr": (rg.bpr_loss, {}),
    "log bpr": (rg.bpr_loss, {"form": "log", "reduction": "mean"}),
    "hinge": (rg.hinge_loss, {"sample_weight": np.arange(1.0, 6.0)}),
    "adaptive bpr": (rg.adaptive_bpr_loss, {"margin": 0.5}),
    "adaptive hinge": (rg.adaptive_hinge_loss, {"margin": np.linspace(0.5, 1, 5)}),
    "warp": (rg.warp_loss, {"num_items": 30}),
    "credit": (rg.hinge_loss, {"positive_items": np.arange(5), "negative_items": np.arange(20).reshape(4, 5),
                               "metadata": {"genre": np.arange(20) % 3}, "metadata_weights": {"genre": 0.5}}),
}  # fmt: skip


@pytest.mark.parametrize("name", IMPLICIT)
def test_implicit_losses(name: str) -> None:
    loss, options = IMPLICIT[name]
    p, n = RNG.normal(size=5), RNG.normal(size=(4, 5))
    positive, negative = (torch.tensor(x, requires_grad=True) for x in (p, n))
    value, grads = loss.value_and_grad(p, n, **options)
    got = loss(positive, negative, **{key: tensors(x) for key, x in options.items()})
    got.backward()
    assert got.item() == value
    np.testing.assert_array_equal(positive.grad.numpy(), grads[0])
    np.testing.assert_array_equal(negative.grad.numpy(), grads[1])
    assert torch.autograd.gradcheck(lambda p, n: loss(p, n, **options), (positive, negative))
    rows = {**options, "reduction": "none"}
    assert torch.autograd.gradcheck(lambda p, n: loss(p, n, **rows), (positive, negative))
    first = torch.autograd.grad(loss(positive, negative, **options), positive, create_graph=True)[0]
    with pytest.raises(NotImplementedError, match="implicit"):
        first.sum().backward()
    _, (_, hn) = loss.grad_and_hess(positive, negative, **options)
    np.testing.assert_array_equal(hn.numpy(), loss.grad_and_hess(p, n, **options)[1][1])


def test_ragged_negatives() -> None:
    p, n, offsets = RNG.normal(size=3), RNG.normal(size=7), np.array([0, 4, 4, 7])
    negative = torch.tensor(n, requires_grad=True)
    rg.bpr_loss(torch.tensor(p), negative, offsets=torch.tensor(offsets)).backward()
    np.testing.assert_array_equal(
        negative.grad.numpy(), rg.bpr_loss.value_and_grad(p, n, offsets=offsets)[1][1]
    )


@pytest.mark.parametrize("options", [{}, {"reduction": "sum"}, {"reduce_fn": torch.mean}, {"where": MASK}])
def test_ranking_softmax(options: dict[str, Any]) -> None:
    s = scores()
    rg.ranking_softmax_loss(s, torch.tensor(LABELS), **options).backward()
    plain = {**options} if options.get("reduce_fn") is None else {"reduce_fn": np.mean}
    np.testing.assert_array_equal(
        s.grad.numpy(), rg.ranking_softmax_loss.value_and_grad(SCORES, LABELS, **plain)[1]
    )


def test_ranking_softmax_spreads_logits_and_reduces_by_any_function() -> None:
    row, where = torch.tensor(SCORES[:1], requires_grad=True), MASK & (np.arange(3) > 0)[:, None]
    rg.ranking_softmax_loss(row, LABELS, reduction="sum").backward()
    want = rg.ranking_softmax_loss.value_and_grad(SCORES[:1], LABELS, reduction="sum")[1]
    np.testing.assert_allclose(row.grad.numpy(), want, rtol=1e-13)
    s = scores()
    got = rg.ranking_softmax_loss(s, LABELS, where=where, reduce_fn=lambda x: x.max() + x.shape[0])
    got.backward()
    assert got.item() == rg.ranking_softmax_loss(
        SCORES, LABELS, where=where, reduce_fn=lambda x: x.max() + len(x)
    )
    assert (s.grad.abs().sum(1) > 0).sum() == 1


def test_metrics_are_tensors() -> None:
    s = scores(dtype=torch.float32)
    got = rg.ndcg(torch.tensor(LABELS), s, k=[1, 3])
    assert got.dtype == torch.float32
    assert not got.requires_grad
    np.testing.assert_array_equal(
        got.numpy(), rg.ndcg(LABELS, s.detach().numpy(), k=[1, 3]).astype(np.float32)
    )
    assert rg.dcg(LABELS, s).shape == ()


# --- compiled programs ------------------------------------------------------------------------------------------------

Y = torch.tensor(LABELS)
OBJECTIVE = LOSSES["logistic"].bind(LABELS)
ROWS = rg.PairwiseHingeLoss(reduction="none")
LISTS = rg.SoftmaxLoss(reduction="none")
PROGRAMS: dict[str, Callable[[Any], Any]] = {
    **{name: (lambda s, loss=loss: loss(Y, s)) for name, loss in LOSSES.items()},
    "mask": lambda s: LOSSES["logistic"]({"labels": Y, "mask": MASK}, s),
    "weights": lambda s: LOSSES["logistic"](Y, s, np.ones((3, 1))),
    "groups": lambda s: LISTS(Y.reshape(-1), s.reshape(-1), groups=SIZES.tolist()).square().sum(),
    "offsets": lambda s: LISTS(Y.reshape(-1), s.reshape(-1), offsets=torch.tensor([0, 4, 18])).square().sum(),
    "qid": lambda s: LISTS(Y.reshape(-1), s.reshape(-1), qid=torch.arange(18) // 5).square().sum(),
    "unreduced": lambda s: ROWS(Y, s).square().sum(),
    "iteration": lambda s: LOSSES["XE-NDCG"](Y, s, iteration=3),
    "ranking softmax": lambda s: rg.ranking_softmax_loss(s, Y.double(), where=Y < 3),
    "ranking softmax, unreduced": lambda s: rg.ranking_softmax_loss(s[:1], Y, reduction="none").sum(),
    "bpr": lambda s: rg.bpr_loss(s[0], s[1:]),
    "warp": lambda s: rg.warp_loss(s[0], s[1:], num_items=9, clip=3.0),
    "adaptive, unreduced": lambda s: rg.adaptive_hinge_loss(s[0], s[1:], reduction="none", margin=0.5).sum(),
    "objective": lambda s: OBJECTIVE.value(s),
    "half": lambda s: LOSSES["hinge"](Y, s.bfloat16()).double(),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_compiled_without_a_break(name: str) -> None:
    torch._dynamo.reset()  # which counts how often one piece of code was compiled
    program = PROGRAMS[name]
    compiled = torch.compile(program, fullgraph=True, backend="aot_eager")
    s, t = scores(), scores()
    want, got = program(s), compiled(t)
    want.backward()
    got.backward()
    torch.testing.assert_close(got, want)
    torch.testing.assert_close(t.grad, s.grad)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_compiled_by_inductor_in_a_module() -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(5, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
    x = torch.randn(3, 6, 5)

    def step(x: Any, y: Any) -> Any:
        return LOSSES["hinge"](y, model(x).squeeze(-1))

    step(x, Y).backward()
    want = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    torch.compile(step, fullgraph=True)(x, Y).backward()
    for p, grad in zip(model.parameters(), want, strict=True):
        torch.testing.assert_close(p.grad, grad)


def test_explicit_derivatives_in_a_compiled_program() -> None:
    def program(s: Any) -> Any:
        value, grad = LOSSES["logistic"].value_and_grad(Y, s, cotangent=2.0)
        g, h = LOSSES["softmax"].grad_and_hess(Y, s)
        (gp, gn), (hp, hn) = rg.bpr_loss.grad_and_hess(s[0], s[1:])
        return (
            value,
            grad,
            g,
            h,
            gp,
            gn,
            hp,
            hn,
            OBJECTIVE.hessp(s, Y * 2.0),
            rg.ndcg(Y, s, k=[1, 2]),
            rg.ndcg(Y, s, per_list=True),
        )

    for got, want in zip(
        torch.compile(program, fullgraph=True, backend="aot_eager")(scores()), program(scores()), strict=True
    ):
        torch.testing.assert_close(got, want)


def test_new_numbers_of_iterations_do_not_compile_anew() -> None:
    from torch._dynamo.testing import CompileCounter

    counter = CompileCounter()
    program = torch.compile(lambda s, i: LOSSES["XE-NDCG"](Y, s, iteration=i), backend=counter, dynamic=True)
    values = {program(scores(), i).item() for i in range(2, 8)}
    assert len(values) == 6
    assert counter.frame_count <= 2


def test_the_operator_is_as_torch_wants_it() -> None:
    from rankgrad._data import Data
    from rankgrad._frameworks import records

    basic = ("test_schema", "test_autograd_registration", "test_faketensor")
    for loss, tests in ((LOSSES["logistic"], (*basic, "test_aot_dispatch_dynamic")), (ROWS, basic)):
        record = records.Record(torch.as_tensor)
        template = record.template((Data(Y), None, None, None, 0))
        text = f"{records.name_of(loss)}\n{template!r}"
        arguments = ([scores()], None, record.arrays, record.wholes, record.reals, text, 0, 1)
        torch.library.opcheck(torch.ops.rankgrad.evaluate, arguments, test_utils=tests)


def test_an_exported_program_is_right_in_another_process(tmp_path: Any) -> None:
    class Ranker(torch.nn.Module):
        def forward(self, y: Any, s: Any) -> Any:
            return LOSSES["delta NDCG"](y, s)

    program = torch.export.export(Ranker(), (Y, scores().detach()))
    torch.export.save(program, tmp_path / "ranker.pt2")
    code = f"""
import torch, rankgrad.torch
program = torch.export.load({str(tmp_path / "ranker.pt2")!r}).module()
print(program(torch.tensor({LABELS.tolist()}), torch.tensor({SCORES.tolist()}, dtype=torch.float64)).item())
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert float(out) == LOSSES["delta NDCG"](LABELS, SCORES)


def test_an_objective_that_is_gone_is_not_mistaken() -> None:
    from rankgrad._frameworks import records

    name = records.name_of_objective(LOSSES["hinge"].bind(LABELS))
    with pytest.raises(RuntimeError, match="bound objective that is gone"):
        records.read(name + "\n('tuple', [])")


# --- refusals ---------------------------------------------------------------------------------------------------------


def on_another_device() -> Any:
    with torch._subclasses.FakeTensorMode():
        return torch.empty((3, 6), device="cuda")


def test_shapes_without_numbers() -> None:
    """What Keras asks before it trains."""
    shapeless = scores().detach().to("meta").requires_grad_()
    assert rg.PairwiseHingeLoss()(Y.to("meta"), shapeless).shape == ()
    assert ROWS(Y.to("meta"), shapeless).shape == (3, 6)


@pytest.mark.filterwarnings("ignore:Sparse")
def test_what_cannot_be_taken_is_named() -> None:
    loss, s = rg.PairwiseHingeLoss(), scores()
    cases: list[tuple[type[Exception], str, Callable[[], Any]]] = [
        (TypeError, r"scores \(y_pred\): floating-point", lambda: loss(LABELS, Y)),
        (TypeError, r"labels.*\.detach\(\)", lambda: loss(s, s)),
        (TypeError, r"sample_weight.*\.detach\(\)", lambda: loss(LABELS, s, s)),
        (ValueError, r"scores \(y_pred\).*cuda.*\.cpu\(\)", lambda: loss(LABELS, on_another_device())),
        (TypeError, "dense", lambda: loss(LABELS, torch.eye(3).to_sparse())),
        (TypeError, "out: is for NumPy's arrays", lambda: loss.value_and_grad(LABELS, s, out=np.empty((3, 6)))),
        (TypeError, "negative_scores: a tensor", lambda: rg.bpr_loss(s[0], SCORES)),
        (TypeError, "positive_scores: a tensor", lambda: rg.bpr_loss(SCORES[0], s)),
        (ValueError, r"shape \(3, 5\) does not match", lambda: loss(LABELS, s[:, :5])),
        (ValueError, "logits, labels.* do not broadcast", lambda: rg.ranking_softmax_loss(s[:, :5], LABELS)),
        (NotImplementedError, "torch.func", lambda: torch.func.grad(lambda s: loss(LABELS, s))(s)),
    ]  # fmt: skip
    for kind, words, call in cases:
        with pytest.raises(kind, match=words):
            call()


def test_nothing_is_kept_without_need() -> None:
    s = scores()
    with torch.no_grad():
        assert not rg.PairwiseHingeLoss()(LABELS, s).requires_grad
    assert not rg.PairwiseHingeLoss()(LABELS, s.detach()).requires_grad


def test_views_and_strides() -> None:
    wide = torch.tensor(RNG.normal(size=(6, 3)), requires_grad=True)
    rg.PairwiseLogisticLoss()(LABELS, wide.T).backward()
    want = rg.PairwiseLogisticLoss().value_and_grad(LABELS, wide.detach().numpy().T.copy())[1]
    np.testing.assert_array_equal(wide.grad.numpy(), want.T)


def test_parameters_and_subclasses() -> None:
    class Mine(torch.nn.Parameter):
        pass

    s = torch.nn.Parameter(torch.tensor(SCORES))
    rg.PairwiseHingeLoss()(LABELS, s).backward()
    assert s.grad is not None


# --- processes --------------------------------------------------------------------------------------------------------


class Queries(torch.utils.data.Dataset):
    """Computes a loss in the worker that loads a query."""

    def __len__(self) -> int:
        return 6

    def __getitem__(self, i: int) -> Any:
        s = scores()
        LOSSES["logistic"](LABELS, s * (i + 1)).backward()
        return s.grad


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked")
@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")  # of JAX, where another test has imported it
def test_workers_of_a_loader() -> None:
    LOSSES["logistic"](LABELS, scores()).backward()
    loader = torch.utils.data.DataLoader(Queries(), batch_size=2, num_workers=2, timeout=60)
    got = torch.cat(list(loader))
    torch.testing.assert_close(got[3], Queries()[3])


def test_losses_are_saved_with_what_holds_them() -> None:
    file = io.BytesIO()
    torch.save({"loss": LOSSES["delta NDCG"], "objective": OBJECTIVE}, file)
    file.seek(0)
    saved = torch.load(file, weights_only=False)
    assert saved["loss"] == LOSSES["delta NDCG"]
    assert torch.equal(saved["objective"].value(scores()), OBJECTIVE.value(scores()))


def test_torch_is_imported_when_a_tensor_comes() -> None:
    code = "import sys, rankgrad; assert 'torch' not in sys.modules; rankgrad.PairwiseHingeLoss()([1, 0], [0., 1.]); "
    subprocess.run([sys.executable, "-c", code + "assert 'torch' not in sys.modules"], check=True)
    assert member.evaluate is not None


# --- formulas of others, with the derivatives of torch ----------------------------------------------------------------


def collie(loss: Any) -> Any:
    return (loss.sum() + loss.pow(2).sum()) / loss.shape[-1]


def first_violation(p: Any, n: Any, num_items: int) -> Any:
    """Collie's WARP: the first negative with p - n < 1, weighted by log(num_items / tries)."""
    violated = p - n < 1
    tries = violated.int().argmax(0)
    weight = torch.log(num_items / (tries.double() + 1)) * violated.any(0)
    return collie(weight * (1 - p + n.gather(0, tries[None])[0]))


FORMULAS: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    "bpr": (lambda p, n: rg.bpr_loss(p, n[0]), lambda p, n: collie(1 - (p - n[0]).sigmoid())),
    "hinge": (lambda p, n: rg.hinge_loss(p, n[0]), lambda p, n: collie((1 - p + n[0]).clamp(min=0))),
    "adaptive bpr": (rg.adaptive_bpr_loss, lambda p, n: collie(1 - (p - n.max(0)[0]).sigmoid())),
    "adaptive hinge": (rg.adaptive_hinge_loss, lambda p, n: collie((1 - p + n.max(0)[0]).clamp(min=0))),
    "warp": (lambda p, n: rg.warp_loss(p, n, num_items=50), lambda p, n: first_violation(p, n, 50)),
    "softmax": (
        lambda p, n: rg.ranking_softmax_loss(n, p.detach().abs()),
        lambda p, n: -(p.detach().abs() * n.log_softmax(-1)).sum(-1).mean() + 0 * p.sum(),
    ),
    "pairs": (
        lambda p, n: rg.PairwiseHingeLoss(reduction="sum")(n.detach().round(), n + p),
        lambda p, n: sum_over_pairs(n.detach().round(), n + p),
    ),
}


def sum_over_pairs(y: Any, s: Any) -> Any:
    """keras-rs's, of labels that are not negative."""
    wanted = (y[:, :, None] > y[:, None]) & (y[:, :, None] >= 0) & (y[:, None] >= 0)
    return ((1 - s[:, :, None] + s[:, None]).relu() * wanted).sum()


@pytest.mark.parametrize("name", FORMULAS)
def test_gradients_are_those_of_the_formulas(name: str) -> None:
    ours, theirs = FORMULAS[name]
    for seed in range(5):
        rng = np.random.default_rng(seed)
        p, n = (torch.tensor(rng.normal(size=shape), requires_grad=True) for shape in ((6,), (9, 6)))
        values, grads = [], []
        for f in (ours, theirs):
            values.append(f(p, n))
            grads.append(torch.autograd.grad(values[-1], (p, n), allow_unused=True, materialize_grads=True))
        torch.testing.assert_close(values[0], values[1], rtol=1e-11, atol=1e-11)
        torch.testing.assert_close(grads[0], grads[1], rtol=1e-10, atol=1e-11)
