"""Ragged tensors of TensorFlow; their values stay under the tape."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from rankgrad._frameworks.ragged.container import Lists, refuse_deeper


def read(x: Any, name: str) -> Lists:
    """One ragged axis. A `tf.function` does not know its lists before it runs, so that they are to be given flat."""
    if x.ragged_rank != 1 or x.flat_values.shape.rank != 1:
        refuse_deeper(name)
    if not tf.executing_eagerly():
        raise TypeError(
            f"{name}: in a tf.function pass x.flat_values and offsets=x.row_splits of a ragged tensor"
        )
    return Lists(x.flat_values, x.row_splits.numpy().astype(np.int64), x.with_flat_values)
