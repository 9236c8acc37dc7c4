"""All peers by name."""

from __future__ import annotations

from bench.peers.boosters import LightGBM, LightGBMDefault, XGBoost
from bench.peers.libraries import (
    KerasRsJax,
    KerasRsTorch,
    Numba,
    NumPy,
    Peer,
    Rankgrad,
    Rax,
    Torch,
    TorchCompile,
)

PEERS: dict[str, type[Peer]] = {
    peer.name: peer
    for peer in (
        Rankgrad,
        TorchCompile,
        Torch,
        Rax,
        KerasRsJax,
        KerasRsTorch,
        NumPy,
        Numba,
        LightGBM,
        LightGBMDefault,
        XGBoost,
    )
}
