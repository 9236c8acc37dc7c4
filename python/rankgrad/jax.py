"""Registers rankgrad's foreign function with JAX, which the first JAX array does by itself.

Only a process that loads an exported program before it calls a loss needs ``import rankgrad.jax``: losses, bound
objectives, implicit losses, :obj:`rankgrad.ranking_softmax_loss` and the metrics take JAX arrays as they are, and work
under ``jit``, ``grad``, ``vmap`` and ``jvp``. Such a program calls the custom call "rankgrad_objective".

Examples
--------
>>> import jax, numpy as np, rankgrad as rg
>>> loss = rg.PairwiseHingeLoss(reduction="sum")
>>> jax.grad(lambda scores: loss([2, 0, 1], scores))(np.array([0, 1, 2], np.float32))
Array([-2.,  1.,  1.], dtype=float32)
"""

try:
    from rankgrad._frameworks import jax as _target  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "jax":
        raise
    raise ImportError('rankgrad.jax needs jax: pip install "rankgrad[jax]"') from error
