"""The pictures: time and memory of one list against its length, for rankgrad and every peer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.report.targets import LABELS, Results, measured

#: Colour and marker by peer, so that a peer looks the same in every picture.
STYLES = {
    "torch.compile": ("tab:red", "o"),
    "torch eager": ("tab:orange", "s"),
    "Rax, jax.jit": ("tab:green", "^"),
    "keras-rs, jax.jit": ("tab:purple", "v"),
    "keras-rs, torch": ("tab:pink", "D"),
    "NumPy": ("tab:gray", "P"),
    "numba": ("tab:brown", "X"),
}
OURS = {"five": "-", "two": ":", "distinct": "--"}
#: Below this, growth of memory is that of a page or two somewhere.
LEAST_MEMORY = 0.1


def draw(results: Results, folder: Path, machine: str) -> None:
    """Write speed.png and memory.png."""
    folder.mkdir(parents=True, exist_ok=True)
    title = f"value and gradient of one list, float32, one core of {machine}"
    picture(results, folder / "speed.png", f"Time: {title}", "milliseconds", milliseconds)
    picture(results, folder / "memory.png", f"Peak memory of a call: {title}", "MB", megabytes)


def milliseconds(record: dict[str, Any]) -> float:
    return float(record["seconds"]) * 1e3


def megabytes(record: dict[str, Any]) -> float | None:
    """Of rankgrad the first call, which makes its scratch memory; of a peer the second, when it is compiled."""
    peak = record["first_peak" if record["peer"] == "rankgrad" else "peak"]
    return None if peak is None else max(peak / 1e6, LEAST_MEMORY)


def picture(results: Results, path: Path, title: str, unit: str, height: Any) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(11, 4.8), sharex=True, sharey=True, layout="constrained")
    for axis, loss in zip(axes, ("hinge", "logistic"), strict=True):
        for peer, (colour, marker) in STYLES.items():
            xy = line(results, height, peer=peer, loss=loss, labels="five")
            if not xy[0]:
                continue
            axis.plot(*xy, color=colour, marker=marker, markersize=4, linewidth=1.2, label=peer)
        for mix, style in OURS.items():
            xy = line(results, height, peer="rankgrad", loss=loss, labels=mix)
            label = f"rankgrad, {LABELS[mix]}"
            axis.plot(*xy, style, color="black", linewidth=2.2 if mix == "five" else 1.4, label=label)
        axis.set(xscale="log", yscale="log", title=f"pairwise {loss}", xlabel="items in the list")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel(unit)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", fontsize="small")
    figure.suptitle(title, fontsize="medium")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def line(results: Results, height: Any, **wanted: Any) -> tuple[list[float], list[float]]:
    """Points by list length."""
    found = measured(results, lists=1, dtype="float32", **wanted)
    points = sorted((r["length"], height(r)) for r in found if height(r) is not None)
    return [x for x, _ in points], [y for _, y in points]
