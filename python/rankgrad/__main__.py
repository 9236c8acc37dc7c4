"""``python -m rankgrad info``, ``demo`` and ``tune``."""

from __future__ import annotations

import argparse
import contextlib
import importlib
from collections.abc import Sequence
from pathlib import Path

import rankgrad

DEMO = """Train LightGBM with its own lambdarank and with rankgrad's logistic and hinge objectives, print
NDCG@10 on held-out lists and the time spent in each objective, and draw the curves. Without --train on
made-up data."""


def build_parser() -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    """Make the parser of the command line, and that of `demo` for its error messages."""
    parser = argparse.ArgumentParser(
        prog="python -m rankgrad", description="Ranking losses and their gradients."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="{demo,info,tune}")
    commands.add_parser("info", help="print versions, instruction-set levels, threads and build")
    tune = commands.add_parser(
        "tune", help="measure what chooses the algorithm of a list, beside the built-in values"
    )
    tune.add_argument(
        "--seconds", metavar="S", type=float, default=0.3, help="for each list (default 0.3: half a minute)"
    )
    demo = commands.add_parser("demo", help="train LightGBM with rankgrad's objectives", description=DEMO)
    demo.add_argument(
        "--train", metavar="FILE", help="svmlight file; lists from qid:, FILE.query, FILE.group or --group"
    )
    demo.add_argument(
        "--valid",
        metavar="FILE",
        help="held-out svmlight file (default: the last fifth of the lists of --train)",
    )
    demo.add_argument(
        "--group", metavar="FILE", nargs="+", default=[], help="list sizes of --train (and of --valid)"
    )
    demo.add_argument(
        "--rounds", metavar="N", type=int, help="boosting rounds (default 100; 15 with --quick)"
    )
    demo.add_argument(
        "--output", metavar="PNG", type=Path, default=Path("rankgrad_demo.png"), help="where the curves go"
    )
    demo.add_argument("--quick", action="store_true", help="less data and fewer rounds: a few seconds")
    return parser, demo


def run_demo(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Check the options, load the data, train; a mistake of the user ends with one line."""
    from . import _demo

    rounds = options.rounds if options.rounds is not None else 15 if options.quick else 100
    if rounds < 1:
        parser.error(f"--rounds: expected at least 1, got {rounds}")
    if options.train is None and (options.valid or options.group):
        parser.error("--valid and --group belong to --train, which is missing")
    if len(options.group) > 1 + bool(options.valid):
        parser.error(f"--group: got {len(options.group)} files for {1 + bool(options.valid)} data file(s)")
    if not options.output.absolute().parent.is_dir():
        parser.error(f"--output: there is no folder {options.output.absolute().parent}")
    try:
        _demo.require_packages()
        train, valid = _demo.load(options.train, options.valid, options.group, options.quick)
    except (ImportError, OSError, ValueError) as error:
        parser.error(str(error))
    _demo.run(train, valid, rounds, options.output)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser, demo = build_parser()
    options = parser.parse_args(arguments)
    if options.command == "info":
        with contextlib.suppress(ImportError):  # what is imported is told
            importlib.import_module("jax")
        rankgrad.show_versions()
    elif options.command == "tune":
        from . import _tune

        _tune.run(options.seconds)
    else:
        run_demo(demo, options)


if __name__ == "__main__":
    main()
