"""What rankgrad is measured against, one class each: see `Peer`."""

from __future__ import annotations

import os
from typing import Any, ClassVar

import numpy as np

from bench.peers import numpy_pairs, torch_losses
from bench.workloads import PAIRWISE, Array, Step, Work, data, parts, rankgrad_step


class Peer:
    """A way to compute value and gradient."""

    name: ClassVar[str]
    packages: ClassVar[str]  #: what pip installs
    losses: ClassVar[frozenset[str]]
    quadratic: ClassVar[bool] = True  #: time and memory grow as the square of the list length

    def start(self) -> None:
        """Import what it needs and keep it to one thread; ImportError where it is missing."""

    def prepare(self, work: Work) -> Step:
        """Everything that is done once: the call that comes back gives value and gradient."""
        raise NotImplementedError

    def overhead(self, work: Work) -> Step | None:
        """What a call does beside value and gradient, where that can be done alone."""
        return None

    def check(self, work: Work, result: Any) -> None:
        """Compare with rankgrad: relative to the largest entry of each array, since a kink may fall either way."""
        tolerance = 1e-3 if work.dtype == "float32" else 1e-9
        for got, want in zip(parts(result), parts(rankgrad_step(work)()), strict=True):
            error = np.abs(got - want.reshape(got.shape)).max() / np.abs(want).max()
            if not error <= tolerance:
                raise ArithmeticError(f"differs from rankgrad by {error:.1e} of the largest entry")


class Rankgrad(Peer):
    """rankgrad itself, where it is measured alone."""

    name = "rankgrad"
    packages = "rankgrad"
    losses = frozenset(PAIRWISE)
    quadratic = False

    def start(self) -> None:
        """Have everything loaded that a first call loads."""
        for loss in PAIRWISE:
            for labels in ("two", "five", "distinct"):
                rankgrad_step(Work(loss, 1, 2000, labels))()

    def prepare(self, work: Work) -> Step:
        return rankgrad_step(work)


class Torch(Peer):
    """The formulas of torch_losses.py, forward and backward."""

    name = "torch eager"
    packages = "torch"
    losses = frozenset(torch_losses.FORMULAS)

    def start(self) -> None:
        import torch

        torch.set_num_threads(1)

    def formula(self, work: Work) -> Any:
        return torch_losses.FORMULAS[work.loss]

    def prepare(self, work: Work) -> Step:
        import torch

        formula, given = self.formula(work), data(work)
        tensors = [torch.from_numpy(x) for x in given.arrays]
        scores = [x.requires_grad_() for x in tensors[: len(given.scores)]]

        def step() -> Any:
            value = formula(*tensors)
            return value.detach(), torch.autograd.grad(value, scores)

        return step


class TorchCompile(Torch):
    """The same by torch.compile, once per shape; forgetting earlier shapes, since it gives up after eight of them."""

    name = "torch.compile"

    def formula(self, work: Work) -> Any:
        import torch

        torch.compiler.reset()
        return torch.compile(super().formula(work), dynamic=False, fullgraph=True)


class Jax(Peer):
    """A loss of a library for jax, compiled by jax.jit; the arrays are jax's before the clock starts."""

    def start(self) -> None:
        import jax  # noqa: F401

    def loss(self, work: Work) -> Any:
        """A function of scores and labels."""
        raise NotImplementedError

    def prepare(self, work: Work) -> Step:
        import jax

        jax.config.update("jax_enable_x64", work.dtype == "float64")
        step = jax.jit(jax.value_and_grad(self.loss(work)))
        scores, labels = (jax.numpy.asarray(x) for x in data(work).arrays)
        return lambda: jax.block_until_ready(step(scores, labels))


class Rax(Jax):
    name = "Rax, jax.jit"
    packages = "jax rax"
    NAMES: ClassVar[dict[str, str]] = {
        "hinge": "pairwise_hinge_loss",
        "logistic": "pairwise_logistic_loss",
        "softmax": "softmax_loss",
        "poly1_softmax": "poly1_softmax_loss",
        "unique_softmax": "unique_softmax_loss",
        "list_mle": "listmle_loss",
        "sigmoid_cross_entropy": "pointwise_sigmoid_loss",
        "squared_error": "pointwise_mse_loss",
    }
    losses = frozenset([*NAMES, "approx_ndcg"])

    def start(self) -> None:
        super().start()
        import rax  # noqa: F401

    def loss(self, work: Work) -> Any:
        import jax
        import rax

        if work.loss == "approx_ndcg":
            metric = rax.approx_t12n(rax.ndcg_metric, temperature=0.1)
            return lambda scores, labels: -metric(scores, labels, reduce_fn=jax.numpy.sum)
        function = getattr(rax, self.NAMES[work.loss])
        return lambda scores, labels: function(scores, labels, reduce_fn=jax.numpy.sum)


KERAS_RS = {"hinge": "PairwiseHingeLoss", "logistic": "PairwiseLogisticLoss", "list_mle": "ListMLELoss"}


class KerasRsJax(Jax):
    name = "keras-rs, jax.jit"
    packages = "jax keras keras-rs"
    losses = frozenset(KERAS_RS)

    def start(self) -> None:
        super().start()
        start_keras("jax")

    def loss(self, work: Work) -> Any:
        loss = keras_rs_loss(work)
        return lambda scores, labels: loss(labels, scores)


class KerasRsTorch(Torch):
    name = "keras-rs, torch"
    packages = "torch keras keras-rs"
    losses = frozenset(KERAS_RS)

    def start(self) -> None:
        super().start()
        start_keras("torch")

    def formula(self, work: Work) -> Any:
        function = keras_rs_loss(work)
        return lambda scores, labels: function(labels, scores)


def start_keras(backend: str) -> None:
    os.environ["KERAS_BACKEND"] = backend
    import keras
    import keras_rs  # noqa: F401

    if keras.backend.backend() != backend:
        raise ImportError(f"keras already runs on {keras.backend.backend()} in this process")


def keras_rs_loss(work: Work) -> Any:
    import keras_rs

    return getattr(keras_rs.losses, KERAS_RS[work.loss])(reduction="sum", dtype=work.dtype)


class NumPy(Peer):
    """The n x n matrix of each list's margins."""

    name = "NumPy"
    packages = "numpy"
    losses = frozenset(PAIRWISE)

    def prepare(self, work: Work) -> Step:
        scores, labels = data(work).arrays
        return lambda: numpy_pairs.value_and_grad(work.loss, labels, scores)


class Numba(Peer):
    """Compiled loops over the pairs, without a matrix."""

    name = "numba"
    packages = "numba"
    losses = frozenset(PAIRWISE)

    def start(self) -> None:
        import numba

        numba.set_num_threads(1)

    def prepare(self, work: Work) -> Step:
        loops = numpy_pairs.compiled_loops()
        scores, labels = data(work).arrays

        def step() -> tuple[float, Array]:
            grad = np.zeros(scores.shape)
            return loops(work.loss == "hinge", labels, scores, grad), grad

        return step
