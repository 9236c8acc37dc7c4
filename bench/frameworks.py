"""A training step inside a framework: what a call costs there, against the framework's own losses.

python -m bench.frameworks [--quick] [torch] [jax] [keras]

Forward and backward with the labels of every step new, as mini-batches have them; one core, milliseconds, the shortest
of many. The overhead is that over the same call with NumPy's arrays.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.timing import ONE_THREAD, minima, pin

Step = Callable[[], Any]
SHAPES = ((256, 128), (1, 10_000))
LOSSES = {"hinge": "PairwiseHingeLoss", "logistic": "PairwiseLogisticLoss"}


def batches(shape: tuple[int, int], n: int = 8) -> list[tuple[Any, Any]]:
    """Labels of five levels and scores, a few batches to take turns with."""
    rng = np.random.default_rng(0)
    return [
        (rng.integers(0, 5, shape).astype(np.float32), rng.normal(size=shape).astype(np.float32))
        for _ in range(n)
    ]


def turns(step: Callable[[Any, Any], Any], data: list[tuple[Any, Any]]) -> Step:
    """The step with another batch in each call."""
    at = 0

    def call() -> Any:
        nonlocal at
        at = (at + 1) % len(data)
        return step(*data[at])

    step(*data[0])
    return call


def table(title: str, steps: dict[str, Step], seconds: float) -> dict[str, float]:
    """Measures and prints."""
    times = dict(zip(steps, minima(list(steps.values()), seconds), strict=True))
    first = next(iter(times.values()))
    print(f"\n{title}")
    for name, time in times.items():
        print(f"  {name:44} {1e3 * time:10.4f} ms   {time / first:7.2f}")
    return times


def numpy_step(name: str) -> Callable[[Any, Any], Any]:
    import rankgrad as rg

    return getattr(rg, LOSSES[name])(reduction="sum").value_and_grad


def torch_steps(seconds: float) -> None:
    import rankgrad as rg
    import torch

    from bench.peers.torch_losses import FORMULAS

    torch.set_num_threads(1)

    def backward(value_of: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def step(y: Any, s: Any) -> Any:
            s.grad = None
            value_of(y, s).backward()
            return s.grad

        return step

    def tensors(data: Any) -> Any:
        return [(torch.from_numpy(y), torch.from_numpy(s).requires_grad_()) for y, s in data]

    for shape in ((4, 8), *SHAPES):
        for name, cls in LOSSES.items():
            loss, data = getattr(rg, cls)(reduction="sum"), batches(shape)
            formula = FORMULAS[name]
            bound = loss.bind(data[0][0])
            compiled = torch.compile(lambda y, s, formula=formula: formula(s, y))
            steps = {
                "rankgrad in torch": turns(backward(loss), tensors(data)),
                "rankgrad, NumPy": turns(numpy_step(name), data),
                "rankgrad in torch, labels bound": turns(
                    backward(lambda y, s, b=bound: b.value(s)), tensors(data)
                ),
                "rankgrad, NumPy, labels bound": turns(lambda y, s, b=bound: b.value_and_grad(s), data),
                "torch.compile, n x n": turns(backward(compiled), tensors(data)),
                "torch eager, n x n": turns(backward(lambda y, s, f=formula: f(s, y)), tensors(data)),
            }
            table(f"torch: {name}, {shape[0]} x {shape[1]:,}", steps, seconds)


def jax_steps(seconds: float) -> None:
    import jax
    import keras_rs
    import rankgrad as rg
    import rax

    peers = {"hinge": rax.pairwise_hinge_loss, "logistic": rax.pairwise_logistic_loss}

    def jitted(value_of: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        compiled = jax.jit(jax.value_and_grad(lambda s, y: value_of(y, s)))
        return lambda y, s: jax.block_until_ready(compiled(s, y))

    for shape in ((4, 8), *SHAPES):
        for name, cls in LOSSES.items():
            data = batches(shape)
            arrays = [tuple(map(jax.numpy.asarray, pair)) for pair in data]
            loss, theirs = getattr(rg, cls)(reduction="sum"), getattr(keras_rs.losses, cls)(reduction="sum")
            rax_loss = peers[name]
            steps = {
                "rankgrad in JAX, jitted": turns(jitted(loss), arrays),
                "rankgrad, NumPy": turns(numpy_step(name), data),
                "Rax, jitted": turns(
                    jitted(lambda y, s, f=rax_loss: f(s, y, reduce_fn=jax.numpy.sum)), arrays
                ),
                "keras-rs on JAX, jitted": turns(jitted(theirs), arrays),
            }
            table(f"JAX: {name}, {shape[0]} x {shape[1]:,}", steps, seconds)


def keras_steps(seconds: float) -> None:
    import keras
    import keras_rs
    import rankgrad.keras

    for lists, length in ((32, 20), (64, 100)):
        rng = np.random.default_rng(0)
        x = rng.normal(size=(16 * lists, length, 16)).astype(np.float32)
        y = rng.integers(0, 5, x.shape[:2]).astype(np.float32)
        steps = {}
        for library, losses in (("rankgrad", rankgrad.keras), ("keras-rs", keras_rs.losses)):
            keras.utils.set_random_seed(0)
            layers = [
                keras.layers.Input((length, 16)),
                keras.layers.Dense(32, activation="relu"),
                keras.layers.Dense(1),
            ]
            model = keras.Sequential([*layers, keras.layers.Reshape((length,))])
            options = {"jit_compile": False} if keras.backend.backend() == "tensorflow" else {}
            model.compile("adam", losses.PairwiseHingeLoss(), **options)
            steps[library] = turns(
                lambda x, y, m=model, n=lists: m.fit(x, y, batch_size=n, verbose=0), [(x, y)]
            )
        table(
            f"Keras on {keras.backend.backend()}: sixteen steps of fit, hinge, {lists} x {length}",
            steps,
            4 * seconds,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("which", nargs="*", help="torch, jax, keras-torch, keras-jax, keras-tensorflow")
    parser.add_argument("--quick", action="store_true", help="a few calls of each, to see that it runs")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    which = options.which or ["torch", "jax", "keras-torch", "keras-jax"]
    if not options.here:
        for each in which:  # the backend of Keras and the threads are chosen when a process begins
            environment = os.environ | ONE_THREAD | {"KERAS_BACKEND": each.partition("-")[2] or "jax"}
            command = [
                sys.executable,
                "-m",
                "bench.frameworks",
                each,
                "--here",
                *(["--quick"] if options.quick else []),
            ]
            subprocess.run(command, env=environment, check=True)
        return
    pin()
    measure = {"torch": torch_steps, "jax": jax_steps}.get(which[0], keras_steps)
    measure(0.05 if options.quick else 3.0)


if __name__ == "__main__":
    main()
