"""Registers rankgrad's operators with torch, which the first tensor does by itself.

Only a process that loads an exported program before it calls a loss needs ``import rankgrad.torch``: losses, bound
objectives, implicit losses, :obj:`rankgrad.ranking_softmax_loss` and the metrics take tensors as they are, and their
values take part in autograd, ``torch.compile`` and ``torch.export``.

Examples
--------
>>> import torch, rankgrad as rg
>>> scores = torch.tensor([0.0, 1.0, 2.0], requires_grad=True)
>>> rg.PairwiseHingeLoss(reduction="sum")([2, 0, 1], scores).backward()
>>> scores.grad
tensor([-2.,  1.,  1.])
"""

try:
    from rankgrad._frameworks import torch as _operators  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    raise ImportError('rankgrad.torch needs torch: pip install "rankgrad[torch]"') from error
