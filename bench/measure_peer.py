"""Measures one peer in a process of its own: works come as JSON lines, measurements go as JSON lines.

Started by report/collect.py as `python -m bench.measure_peer PEER SECONDS`, with the environment that keeps every
runtime to one thread. A work that fails is answered with the reason.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from dataclasses import asdict
from typing import Any

from bench.peers import PEERS
from bench.peers.libraries import Peer, Rankgrad
from bench.timing import growth, minima, pin
from bench.workloads import Work, data, rankgrad_step

#: A call that would take longer, in seconds, or need more memory, in bytes, is not made.
LONGEST_CALL = 30.0
LARGEST = 0.5 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


class TooMuchError(Exception):
    """A call would take too long or need too much memory."""


def main() -> None:
    pin()
    warnings.simplefilter("ignore")
    peer, seconds = PEERS[sys.argv[1]](), float(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w")  # what a framework prints goes elsewhere
    os.dup2(2, 1)
    missing = started(peer)
    done: list[dict[str, Any]] = []
    for line in sys.stdin:
        work = Work(**json.loads(line))
        try:
            if missing:
                raise ImportError(missing)
            refuse_what_grows_too_large(peer, work, done)
            answer = measured(peer, work, seconds)
            done.append({**asdict(work), **answer})
        except Exception as error:  # the report names it
            answer = {"failed": reason(error)}
        print(json.dumps(answer), file=answers, flush=True)


def started(peer: Peer) -> str:
    """Why the peer cannot be had, empty if it can."""
    try:
        peer.start()
    except ImportError as error:
        return f"not installed ({error}): pip install {peer.packages}"
    return ""


def reason(error: Exception) -> str:
    text = " ".join(str(error).split())[:200]
    return text if isinstance(error, (ImportError, TooMuchError)) else f"{type(error).__name__}: {text}"


def refuse_what_grows_too_large(peer: Peer, work: Work, done: list[dict[str, Any]]) -> None:
    """By the square of the list length, from the longest list so far."""
    same = [d for d in done if (d["loss"], d["lists"], d["dtype"]) == (work.loss, work.lists, work.dtype)]
    if not (peer.quadratic and same):
        return
    last = max(same, key=lambda d: d["length"])
    growth = (work.length / last["length"]) ** 2
    # Below a hundred bytes an item, what grew is not a matrix.
    matrix = (last["peak"] or 0) > 100 * last["length"]
    if matrix and last["peak"] * growth > LARGEST:
        raise TooMuchError(f"would need {last['peak'] * growth / 1e9:,.0f} GB, as its memory grows with n^2")
    if last["seconds"] * growth > LONGEST_CALL:
        raise TooMuchError(f"would take {last['seconds'] * growth:,.0f} s a call, as its time grows with n^2")


def measured(peer: Peer, work: Work, seconds: float) -> dict[str, Any]:
    """Seconds of the peer and of rankgrad beside it, bytes that preparing keeps and that a call needs at most.

    `first_peak` is that of the first call, where a compiler may be at work; `peak` that of the second.
    """
    data(work)
    step, _, kept = growth(lambda: peer.prepare(work))
    result, first_peak, _ = growth(step)
    peer.check(work, result)
    del result
    _, peak, _ = growth(step)
    own, overhead = rankgrad_step(work), peer.overhead(work)
    times = minima([step, own, *([overhead] if overhead else [])], seconds)
    theirs = min(times) if isinstance(peer, Rankgrad) else times[0] - sum(times[2:])
    return {"seconds": theirs, "rankgrad": times[1], "peak": peak, "first_peak": first_peak, "kept": kept}


if __name__ == "__main__":
    main()
