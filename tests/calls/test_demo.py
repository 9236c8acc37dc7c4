"""`python -m rankgrad` as a user runs it, and the data that it runs on."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import numpy as np
import pytest
import rankgrad as rg
from rankgrad.__main__ import main
from rankgrad._demo import BUILT_IN, Run, print_table
from rankgrad.datasets import LABEL_SHARES, load_svmlight, make_ranking

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def rankgrad(*arguments, folder):
    command = [sys.executable, "-m", "rankgrad", *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}  # so little work is done sooner by one thread
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def need_demo_packages():
    for package in ("lightgbm", "matplotlib", "sklearn"):
        pytest.importorskip(package, reason=f"{package} is not installed")


def table_of(output):
    """NDCG and milliseconds of each row of the demo's table."""
    rows = re.findall(
        r"^(lambdarank|Pairwise\w+).*?  +(0\.\d{4}|-)  +([\d.]+|-)(?: \*)?$", output, re.MULTILINE
    )
    return {name: (ndcg, milliseconds) for name, ndcg, milliseconds in rows}


def write_svmlight(path, x, y, groups, *, qid):
    qids = np.repeat(np.arange(len(groups)), groups)
    with open(path, "w", encoding="ascii") as file:
        for row, label, query in zip(x, y, qids, strict=True):
            tag = f" qid:{query}" if qid else ""
            file.write(
                f"{label:g}{tag} " + " ".join(f"{j + 1}:{value:.17g}" for j, value in enumerate(row)) + "\n"
            )


def test_info(tmp_path):
    result = rankgrad("info", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert rg.__version__ in result.stdout
    assert np.__version__ in result.stdout
    assert all(level in result.stdout for level in rg.isa_levels())


def test_demo_on_made_up_data(tmp_path):
    need_demo_packages()
    result = rankgrad("demo", "--quick", "--rounds", 8, "--output", "curves.png", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "curves.png").read_bytes().startswith(PNG_SIGNATURE)
    table = table_of(result.stdout)
    assert list(table) == ["lambdarank", "PairwiseLogisticLoss", "PairwiseHingeLoss"]
    assert all(float(ndcg) > 0.5 for ndcg, _ in table.values())
    assert all(0.0 < float(table[name][1]) < 1000.0 for name in list(table)[1:])
    assert "round    8/8" in result.stdout
    assert re.search(r"^\* (estimated|too fast)", result.stdout, re.MULTILINE)


@pytest.mark.parametrize("lists_from", ["qid", "beside", "group"])
def test_demo_on_the_users_data(tmp_path, lists_from):
    need_demo_packages()
    endings = {"beside": ".query", "group": ".sizes"}
    for name, seed in (("train", 1), ("valid", 2)):
        x, y, groups = make_ranking(30, n_features=8, max_length=20, seed=seed)
        write_svmlight(tmp_path / name, x, y, groups, qid=lists_from == "qid")
        if lists_from != "qid":
            np.savetxt(tmp_path / (name + endings[lists_from]), groups, fmt="%d")
    options = ["--group", "train.sizes", "valid.sizes"] if lists_from == "group" else []
    arguments = ["--train", "train", "--valid", "valid", *options, "--rounds", 3]
    result = rankgrad("demo", *arguments, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "training: 30 lists" in result.stdout
    assert "held out: 30 lists" in result.stdout
    assert len(table_of(result.stdout)) == 3
    assert (tmp_path / "rankgrad_demo.png").exists()


def test_demo_goes_on_where_lambdarank_refuses_the_labels(tmp_path):
    need_demo_packages()
    x, y, groups = make_ranking(30, n_features=8, max_length=20, seed=1)
    write_svmlight(tmp_path / "train", x, y + 0.5, groups, qid=True)
    result = rankgrad("demo", "--train", "train", "--rounds", 2, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    table = table_of(result.stdout)
    assert table["lambdarank"] == ("-", "-")
    assert float(table["PairwiseHingeLoss"][0]) > 0.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "required"),
        (("demo", "--rounds", "0"), "--rounds: expected at least 1"),
        (("demo", "--valid", "x"), "belong to --train"),
        (("demo", "--train", "no_such_file"), "no_such_file"),
        (("demo", "--train", "x", "--group", "a", "b"), "--group: got 2 files"),
        (("demo", "--output", "no_such_folder/x.png"), "there is no folder"),
        (("demo", "--train", "lonely"), "lonely has no qid"),
        (("demo", "--train", "single"), "single has a single list"),
    ],
)
def test_mistakes_end_with_one_line(tmp_path, arguments, message):
    need_demo_packages()
    write_svmlight(tmp_path / "lonely", np.ones((2, 1)), [0, 1], [2], qid=False)
    write_svmlight(tmp_path / "single", np.ones((2, 1)), [0, 1], [2], qid=True)
    result = rankgrad(*arguments, folder=tmp_path)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("missing", ["lightgbm", "matplotlib", "sklearn"])
def test_demo_names_the_package_that_is_missing(monkeypatch, capsys, missing):
    need_demo_packages()
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--quick"])
    assert ended.value.code == 2
    name = {"sklearn": "scikit-learn"}.get(missing, missing)
    assert f'the demo needs {name}: pip install "rankgrad[demo]"' in capsys.readouterr().err


def test_table_of_a_gradient_that_is_too_fast_to_time(capsys):
    print_table([Run(BUILT_IN, [0.5, 0.625]), Run("PairwiseHingeLoss", [0.75], milliseconds=1.25)])
    output = capsys.readouterr().out
    assert table_of(output) == {"lambdarank": ("0.6250", "-"), "PairwiseHingeLoss": ("0.7500", "1.25")}
    assert "* too fast to tell" in output


def test_make_ranking():
    x, y, groups = make_ranking(300, seed=5)
    assert x.shape == (len(y), 30)
    assert groups.sum() == len(y)
    assert 10 <= groups.min() < 20
    assert 250 < groups.max() <= 300
    shares = np.bincount(y.astype(int), minlength=5) / len(y)
    np.testing.assert_allclose(shares, LABEL_SHARES, atol=1e-3)
    for first, second in zip(make_ranking(300, seed=5), (x, y, groups), strict=True):
        np.testing.assert_array_equal(first, second)
    assert not np.array_equal(make_ranking(300, seed=6)[2], groups)
    with pytest.raises(ValueError, match=r"n_features: .*got 3"):
        make_ranking(10, n_features=3)


def test_load_svmlight(tmp_path):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    x, y, groups = make_ranking(5, n_features=8, max_length=12, seed=1)
    plain, tagged = tmp_path / "plain", tmp_path / "tagged"
    write_svmlight(plain, x, y, groups, qid=False)
    write_svmlight(tagged, x, y, groups, qid=True)
    with pytest.raises(ValueError, match=r"plain has no qid.*plain\.query nor plain\.group.*give group="):
        load_svmlight(plain)
    with pytest.raises(ValueError, match="group: sizes add up to 7 but"):
        load_svmlight(plain, group=[3, 4])
    with pytest.raises(ValueError, match=r"group: index 1 holds 2\.5"):
        load_svmlight(plain, group=[len(y) - 2, 2.5])
    for text, says in (
        ("3\n2.5\n", r"index 1 holds 2\.5"),
        ("3 4\n5 6\n", "1-D"),
        ("a\n", "'a'"),
        ("nan\n", "index 0"),
    ):
        (tmp_path / "sizes").write_text(text)
        with pytest.raises(ValueError, match=f"group: .*{says}.*sizes"):
            load_svmlight(plain, group=tmp_path / "sizes")
    lines = tagged.read_text().splitlines()
    (tmp_path / "partly").write_text("\n".join([*lines[:-1], re.sub(r" qid:\d+", "", lines[-1])]))
    with pytest.raises(ValueError, match=f"only {len(y) - 1} of {len(y)} rows have a qid:"):
        load_svmlight(tmp_path / "partly")
    np.savetxt(tmp_path / "plain.group", groups, fmt="%d")
    for loaded in (load_svmlight(tagged), load_svmlight(plain), load_svmlight(plain, group=groups * 1.0)):
        np.testing.assert_array_equal(loaded[0].toarray()[:, 1:], x)  # the file counts features from 1
        np.testing.assert_array_equal(loaded[1], y)
        np.testing.assert_array_equal(loaded[2], groups)
    assert load_svmlight(tagged, n_features=12)[0].shape == (len(y), 12)
