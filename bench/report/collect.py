"""Runs the measurements in processes of their own and collects what they answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from threading import Timer
from typing import Any

from bench.experiments import EXPERIMENTS, TIMED
from bench.report.plan import plan
from bench.report.targets import Record, Results, has_target
from bench.timing import ONE_THREAD
from bench.workloads import Work

ROOT = Path(__file__).parents[2]
#: What the accuracy is compared with.
SPECIFICATION = ROOT / "tests" / "spec"

#: Seconds after which a silent process is ended; a compiler may take a minute.
PATIENCE = 300.0

#: What a measurement adds to what was asked for.
TIMES = ("seconds", "rankgrad", "one", "two", "bind", "bound", "one_off")
MEASURED = {*TIMES, "peak", "first_peak", "kept", "error", "failed"}


def run_all(quick: bool, names: list[str] | None, rounds: int, save: Callable[[Results], None]) -> None:
    """Every measurement, with one line of progress each; what there is so far is saved.

    From the second round on, what has a target. The times of the experiments are taken before and after the peers of a
    round: all of it minutes later, when others on the machine may leave it alone.
    """
    seconds = 0.05 if quick else 0.6
    everything = plan(quick, names)
    with_target = [(name, [w for w in works if has_target(name, w)]) for name, works in everything]
    all_rounds = [everything, *[with_target] * (rounds - 1)]
    before = [TIMED if not quick else (), *[TIMED] * (rounds - 1)]
    after = [tuple(EXPERIMENTS), *[TIMED] * (rounds - 1)]
    total = sum(len(works) for planned in all_rounds for _, works in planned)
    total, count = total + sum(map(len, before + after)), 0
    results: Results = {"peers": [], **{experiment: [] for experiment in EXPERIMENTS}}

    def measure(experiments: Sequence[str]) -> None:
        nonlocal count
        for experiment in experiments:
            count += 1
            print(f"[{count}/{total}] {experiment}", flush=True)
            for record in experiment_records(experiment, seconds, quick):
                keep(results[experiment], record)
            save(results)

    for planned, early, late in zip(all_rounds, before, after, strict=True):
        measure(early)
        for name, works in planned:
            for work, answer in ask_peer(name, works, seconds):
                count += 1
                keep(results["peers"], {"peer": name, **asdict(work), **answer})
                print(f"[{count}/{total}] {name}: {work}: {summary(answer)}", flush=True)
                save(results)
        measure(late)


def keep(records: list[Record], record: Record) -> None:
    """Add a measurement, or the shorter times of one that is there; a failure only where nothing is."""
    same = next((r for r in records if asked(r) == asked(record)), None)
    if same is None:
        records.append(record)
    elif "failed" in same:
        records[records.index(same)] = record
    elif "failed" not in record:
        same |= {field: shorter(same[field], record[field]) for field in TIMES if field in record}


def asked(record: Record) -> Record:
    return {field: value for field, value in record.items() if field not in MEASURED}


def shorter(a: Any, b: Any) -> Any:
    return list(map(min, a, b)) if isinstance(a, list) else min(a, b)


def summary(answer: Record) -> str:
    if "failed" in answer:
        return str(answer["failed"])
    ratio = answer["seconds"] / answer["rankgrad"]
    return f"{answer['seconds'] * 1e3:.4g} ms, {ratio:.3g} times rankgrad's"


def ask_peer(name: str, works: list[Work], seconds: float) -> Iterator[tuple[Work, Record]]:
    """Each work with its answer; when the process ends before an answer, that work failed and a new one goes on."""
    while works:
        process = started("measure_peer", name, str(seconds))
        assert process.stdin is not None
        assert process.stdout is not None
        for work in list(works):
            timer = Timer(PATIENCE, process.kill)
            timer.start()
            try:
                process.stdin.write(json.dumps(asdict(work)) + "\n")
                process.stdin.flush()
                line = process.stdout.readline()
            except BrokenPipeError:
                line = ""
            timer.cancel()
            works = works[1:]
            if not line:
                ended = (
                    f"its process ended with {process.wait()}: killed, for memory or after {PATIENCE:.0f} s?"
                )
                yield work, {"failed": ended}
                break
            yield work, json.loads(line)
        process.stdin.close()
        process.wait()


def experiment_records(name: str, seconds: float, quick: bool) -> Iterator[Record]:
    process = started("experiments", name, str(seconds), *(["--quick"] if quick else []))
    assert process.stdout is not None
    yield from map(json.loads, process.stdout)
    if process.wait():
        yield {"failed": f"its process ended with {process.returncode}"}


def started(program: str, *arguments: str) -> subprocess.Popen[str]:
    """A process with one thread per runtime; its complaints go to ours."""
    environment = os.environ | ONE_THREAD
    if program == "experiments":
        environment.pop("OMP_NUM_THREADS")
    places = [str(ROOT), str(SPECIFICATION), *filter(None, [environment.get("PYTHONPATH")])]
    environment["PYTHONPATH"] = os.pathsep.join(places)
    command = [sys.executable, "-m", f"bench.{program}", *arguments]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
