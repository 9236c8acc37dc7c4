"""Programs in processes of their own, where a crash is an answer and not the end of the test run.

A program is a function at the top level of a module of this folder. It gets JSON values and returns one.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
PATHS = [str(FOLDER), str(FOLDER.parent / "spec")]
ANSWER = "=> "

START = f"""
import faulthandler, importlib, json, sys
faulthandler.enable()
sys.path[:0] = {PATHS!r}
module, name, arguments = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
answer = getattr(importlib.import_module(module), name)(*arguments)
print({ANSWER!r} + json.dumps(answer), flush=True)
"""


@dataclass(frozen=True)
class Ended:
    """How a child ended: `answer` is None unless it returned one."""

    answer: Any
    code: int | None
    seconds: float
    output: str

    @property
    def how(self) -> str:
        """ "ok", "hang", the name of a signal, or the exit code with the last line of output."""
        if self.code is None:
            return "hang"
        if self.code < 0:
            return f"{signal.Signals(-self.code).name}: {self.last_line}"
        return "ok" if self.code == 0 else f"exit code {self.code}: {self.last_line}"

    @property
    def last_line(self) -> str:
        return next((line for line in reversed(self.output.splitlines()) if line.strip()), "")


def run_child(
    program: Callable[..., Any],
    *arguments: Any,
    env: Mapping[str, str | None] = {},
    seconds: float = 120.0,
    python: str = sys.executable,
) -> Ended:
    """Runs the program in a fresh interpreter; never raises for what the child does.

    `env` sets variables, or removes them where they are None.
    """
    environment = {**os.environ, **{k: v for k, v in env.items() if v is not None}}
    for name in (k for k, v in env.items() if v is None):
        environment.pop(name, None)
    module = program.__module__ if program.__module__ != "__main__" else Path(sys.argv[0]).stem
    command = [python, "-c", START, module, program.__qualname__, json.dumps(arguments)]
    start = time.monotonic()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        try:
            output, _ = process.communicate(timeout=seconds)
            code: int | None = process.returncode
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            code = None
    answers = [line for line in output.splitlines() if line.startswith(ANSWER)]
    answer = json.loads(answers[-1].removeprefix(ANSWER)) if answers else None
    return Ended(answer, code, time.monotonic() - start, output)


def fresh(program: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """The program's answer; AssertionError if the child did not end as it should."""
    ended = run_child(program, *arguments, **options)
    assert ended.how == "ok", f"{program.__qualname__}{arguments}: {ended.how}\n{ended.output[-3000:]}"
    return ended.answer
