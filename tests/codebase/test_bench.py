"""The report of bench/ runs without any optional peer and says what it did not measure."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not (ROOT / "bench").is_dir(), reason="bench/ is not beside the tests")


def test_quick_report(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the report draws pictures")
    command = [
        sys.executable,
        "-m",
        "bench.report",
        "--quick",
        "--peers",
        "rankgrad",
        "NumPy",
        "--output",
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "results.json").read_text())["results"]
    assert not [
        r["failed"] for name in ("growth", "calls", "accuracy") for r in results[name] if "failed" in r
    ]
    measured = {
        (r["loss"], r["length"]): r for r in results["peers"] if r["peer"] == "NumPy" and "seconds" in r
    }
    assert {(loss, n) for loss in ("hinge", "logistic") for n in (100, 1000)} <= set(measured)
    if sys.platform == "linux":  # elsewhere memory is not known
        matrices = measured["hinge", 1000]["peak"] / 1000**2  # the margins alone are 4 bytes per pair
        assert 4 < matrices < 40
    report = (tmp_path / "report.md").read_text()
    assert "NumPy: would " in report  # a list of a million: its reason is given
    assert "| hinge, 256 x 128 | torch.compile | >= 12 x |  |  | not measured |" in report
    assert all((tmp_path / name).stat().st_size > 10_000 for name in ("speed.png", "memory.png"))
    assert np.isfinite([r["seconds"] for r in results["calls"]]).all()


def test_rounds_keep_the_shortest_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    from bench.report.collect import keep

    records: list[dict[str, object]] = []
    for seconds, rankgrad in ((3.0, 0.5), (2.0, 0.7)):
        keep(records, {"peer": "NumPy", "length": 10, "seconds": seconds, "rankgrad": rankgrad, "peak": 4})
        keep(records, {"lengths": [1, 2], "seconds": [seconds, 1.0 / seconds]})
    keep(records, {"peer": "NumPy", "length": 10, "failed": "killed"})
    keep(records, {"peer": "numba", "length": 10, "failed": "killed"})
    keep(records, {"peer": "numba", "length": 10, "seconds": 1.0, "rankgrad": 1.0, "peak": 2})
    assert records == [
        {"peer": "NumPy", "length": 10, "seconds": 2.0, "rankgrad": 0.5, "peak": 4},
        {"lengths": [1, 2], "seconds": [2.0, 1 / 3.0]},
        {"peer": "numba", "length": 10, "seconds": 1.0, "rankgrad": 1.0, "peak": 2},
    ]
