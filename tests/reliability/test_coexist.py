"""Beside the libraries that bring OpenMP runtimes of their own: any order of imports, and everybody's settings."""

from __future__ import annotations

import ctypes
import importlib
import os
import random
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from children import fresh, run_child

OTHERS = [
    name for name in ("torch", "sklearn.cluster", "lightgbm", "xgboost") if find_spec(name.split(".")[0])
]


def use(name: str) -> None:
    """Makes a library start its threads."""
    library = importlib.import_module(name)
    x, y = np.random.default_rng(0).normal(size=(2000, 4)), np.arange(2000) % 2
    if name == "torch":
        library.ones(300, 300) @ library.ones(300, 300)
    elif name == "sklearn.cluster":
        library.KMeans(3, n_init=1).fit(x)
    elif name == "lightgbm":
        library.train({"verbosity": -1, "num_threads": 2}, library.Dataset(x, y), 2)
    elif name == "xgboost":
        library.train({"nthread": 2, "verbosity": 0}, library.DMatrix(x, y), 2)


def together(order: list[str]) -> str:
    """Imports in order, then everybody computes twice in turn."""
    for name in order:
        importlib.import_module(name)
    from every_call import hash_of_everything

    hashes = set()
    for _ in range(2):
        for name in order:
            if name == "rankgrad":
                hashes.add(hash_of_everything(2))
            else:
                use(name)
    assert len(hashes) == 1
    return hashes.pop()


def settings() -> dict[str, int]:
    """The default number of threads under every setting."""
    import rankgrad as rg

    def threads() -> int:
        return int(rg.build_info()["default_threads"])

    found = {"unset": threads()}
    with rg.threads(5):
        found["rg.threads(5)"] = threads()
    found["after rg.threads"] = threads()
    if rg.build_info()["threads"] == "openmp" and find_spec("threadpoolctl"):
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            found["threadpoolctl 1"] = threads()
        found["after threadpoolctl"] = threads()
    return found


def threads_on_one_core() -> int:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    import rankgrad as rg

    return int(rg.build_info()["default_threads"])


def orders(number: int) -> list[list[str]]:
    shuffle, names = random.Random(4), ["rankgrad", *OTHERS]
    chosen = [names, names[::-1]]
    while len(chosen) < number:
        chosen.append(shuffle.sample(names, len(names)))
    return chosen[:number]


def test_orders_of_imports(long: bool, figure: Callable[[str, str], None]) -> None:
    if not OTHERS:
        pytest.skip("none of torch, scikit-learn, lightgbm, xgboost is installed")
    alone = fresh(together, ["rankgrad"])
    ended = [
        run_child(together, order, env={"OMP_WAIT_POLICY": "passive"}, seconds=300)
        for order in orders(10 if long else 1)
    ]
    right = sum(end.how == "ok" and end.answer == alone for end in ended)
    figure(
        "coexist",
        f"{right} of {len(ended)} import orders with {', '.join(OTHERS)} give the bits of rankgrad alone",
    )
    bad = [end.output[-800:] for end in ended if end.how != "ok" or end.answer != alone]
    assert not bad, bad[0]


def test_everybodys_settings_of_threads(figure: Callable[[str, str], None]) -> None:
    found: dict[str, Any] = fresh(settings, env={"OMP_NUM_THREADS": None})
    assert found["unset"] <= (os.cpu_count() or 1)
    assert found["rg.threads(5)"] == 5
    assert found["after rg.threads"] == found["unset"]
    assert found.get("threadpoolctl 1", 1) == 1
    assert found.get("after threadpoolctl", found["unset"]) == found["unset"]
    assert fresh(settings, env={"OMP_NUM_THREADS": "3"})["unset"] == 3
    figure("coexist", "OMP_NUM_THREADS and rg.threads are heeded")


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_the_affinity_is_heeded() -> None:
    assert fresh(threads_on_one_core, env={"OMP_NUM_THREADS": None}) == 1


def level_at_start() -> str:
    import rankgrad as rg

    try:
        return str(rg.build_info()["isa"])
    except ValueError as error:
        return str(error)


def test_level_of_the_environment() -> None:
    import rankgrad as rg

    best = rg.isa_levels()[-1]
    for asked, given in (("baseline", "baseline"), ("", best), (None, best)):
        assert fresh(level_at_start, env={"RANKGRAD_ISA": asked}) == given
    assert f"level 'v9' is not available: this machine has {', '.join(rg.isa_levels())}" in fresh(
        level_at_start, env={"RANKGRAD_ISA": "v9"}
    )


def in_group_with_quota(folder: str) -> int:
    with open(os.path.join(folder, "cgroup.procs"), "w") as procs:
        procs.write(str(os.getpid()))
    return settings()["unset"]


def test_quota_of_a_container(figure: Callable[[str, str], None]) -> None:
    """Half a processor is one thread. Needs the right to make a control group."""
    version_2 = os.path.exists("/sys/fs/cgroup/cgroup.controllers")
    folder = f"/sys/fs/cgroup/{'' if version_2 else 'cpu/'}rankgrad-test-{os.getpid()}"
    try:
        os.mkdir(folder)
    except OSError as error:
        pytest.skip(f"no control group can be made: {error}")
    try:
        limit = (
            {"cpu.max": "50000 100000"}
            if version_2
            else {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "50000"}
        )
        for name, text in limit.items():
            with open(os.path.join(folder, name), "w") as file:
                file.write(text)
        ended = run_child(in_group_with_quota, folder, env={"OMP_NUM_THREADS": None})
        assert ended.how == "ok", ended.output
        figure("coexist", f"{ended.answer} thread under a quota of half a processor")
        assert ended.answer == 1
    finally:
        os.rmdir(folder)


def threads_of_made_up_groups(lines: str, files: dict[str, str]) -> int:
    """The default number of threads where Linux shows these groups: in a mount namespace of this process alone."""
    new_namespace, bind, recursive, private = 0x20000, 0x1000, 0x4000, 0x40000
    libc = ctypes.CDLL(None)
    root, own = Path("/sys/fs/cgroup"), Path(f"/proc/{os.getpid()}/cgroup")
    refused = libc.unshare(new_namespace) or libc.mount(b"none", b"/", None, recursive | private, None)
    if refused or libc.mount(b"none", bytes(root), b"tmpfs", 0, None):
        return -1
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "lines").write_text(lines)
    assert libc.mount(bytes(root / "lines"), bytes(own), None, bind, None) == 0
    assert own.read_text() == lines
    return settings()["unset"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux has control groups")
@pytest.mark.parametrize(
    ("lines", "files", "limited"),
    [
        ("0::/outer/inner\n", {"outer/cpu.max": "50000 100000", "outer/inner/cpu.max": "max 100000"}, True),
        ("0::/outer/inner\n", {"outer/cpu.max": "max 100000"}, False),
        ("0::/\n", {"cpu.max": "50000 100000"}, True),
        ("0::/\n", {}, False),
        ("no line of Linux\n1:cpu\n", {"cpu.max": "50000 100000"}, False),
        ("2:memory:/\n1:cpuacct,cpu:/a\n", {"cpu/a/cpu.cfs_quota_us": "50000"}, False),
        (
            "2:memory:/\n1:cpuacct,cpu:/a\n",
            {"cpu/a/cpu.cfs_quota_us": "50000", "cpu/a/cpu.cfs_period_us": "100000"},
            True,
        ),
        (
            "1:cpu:/\n",
            {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"},
            False,
        ),
    ],
)
def test_quotas_as_linux_shows_them(lines: str, files: dict[str, str], limited: bool) -> None:
    """Both versions of control groups, groups inside of groups, and files that say nothing."""
    found = fresh(threads_of_made_up_groups, lines, files, env={"OMP_NUM_THREADS": None})
    if found < 0:
        pytest.skip("no mount namespace can be made")
    all_of_them = len(os.sched_getaffinity(0))
    assert found == (1 if limited else all_of_them)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux has control groups")
def test_threads_that_are_asked_for_go_before_a_quota() -> None:
    quota = {"cpu.max": "50000 100000"}
    found = fresh(threads_of_made_up_groups, "0::/\n", quota, env={"OMP_NUM_THREADS": "3"})
    if found < 0:
        pytest.skip("no mount namespace can be made")
    assert found == 3
