"""The command line: ``python -m skdrift demo``."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence

from skdrift._version import __version__
from skdrift.cli._demo import run_demo, score_saved_model
from skdrift.exceptions import SkdriftError

__all__ = ["main"]

_BROKEN_PIPE = 141  # what a shell reports of a program that SIGPIPE ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, default=None
        Without the name of the program; None for those of the process.

    Returns
    -------
    int
        Exit status: 0 if the command did its work.
    """
    options = _parser().parse_args(arguments)
    _show_any_character()
    try:
        path = options.load
        status = run_demo() if path is None else score_saved_model(path)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (such as `head`) has left; nothing may be flushed to it at exit.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except SkdriftError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m skdrift",
        description="Is a scikit-learn model still good, and if not, why?",
    )
    parser.add_argument("--version", action="version", version=f"skdrift {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    demo = commands.add_parser(
        "demo",
        help="train, save, load and check a model on bundled data",
        description=(
            "Train a model on the bicycle rentals of 2011, save it, load it in another "
            "process, check it on 2012 month by month, and print what is wrong. Takes "
            "a few seconds and writes to a temporary folder only."
        ),
    )
    demo.add_argument(
        "--load",
        metavar="PATH",
        help="do the second half only, with the model that the first half saved",
    )
    return parser


def _show_any_character() -> None:
    """Let output that the terminal's encoding lacks come out escaped."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
