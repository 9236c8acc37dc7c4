"""``python -m rankgrad tune``: every constant of the choice is measured and printed, and nothing is set."""

from __future__ import annotations

import re

import numpy as np
import pytest
import rankgrad as rg
from rankgrad import _core
from rankgrad.__main__ import main


def test_tune_prints_every_constant_and_sets_nothing(
    capsys: pytest.CaptureFixture[str], rng: np.random.Generator
) -> None:
    y, s = rng.integers(0, 5, 3000), rng.normal(size=3000)
    before, constants = rg.PairwiseLogisticLoss().value_and_grad(y, s), _core.cost_constants()
    main(["tune", "--seconds", "0"])
    lines = re.findall(r"^(\S.*?)\s{2,}([\d.e+-]+)\s+([\d.e+-]+)\s+([\d.-]+)$", capsys.readouterr().out, re.M)
    printed = {name: (float(built_in), float(here)) for name, built_in, here, _ in lines}
    assert printed.keys() == constants.keys()
    for name, value in constants.items():
        assert printed[name][0] == pytest.approx(value, rel=0.01)
    assert all(here > 0 for name, (_, here) in printed.items() if "pair" in name)
    assert _core.cost_constants() == constants
    after = rg.PairwiseLogisticLoss().value_and_grad(y, s)
    assert after[0] == before[0]
    assert np.array_equal(after[1], before[1])
