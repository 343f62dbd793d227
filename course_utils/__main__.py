"""``python -m course_utils COMMAND``: what the package offers on the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence


def _doctor(arguments: argparse.Namespace) -> int:
    from course_utils import doctor

    return doctor.main()


def make_parser() -> argparse.ArgumentParser:
    """Return the parser; each command sets ``run``, a function of the parsed arguments."""
    parser = argparse.ArgumentParser(prog="python -m course_utils")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    command = commands.add_parser("doctor", help="say what is wrong with this set-up")
    command.set_defaults(run=_doctor)
    try:
        from course_utils import data
    except ModuleNotFoundError as error:
        # Without NumPy there is no `fetch`, but the doctor must be there to say so.
        if error.name != "numpy":
            raise
    else:
        data.add_fetch_parser(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` name (default: the command line); return its exit code."""
    parser = make_parser()
    parsed = parser.parse_args(arguments)
    if not hasattr(parsed, "run"):
        parser.print_help()
        return 0
    return parsed.run(parsed)


if __name__ == "__main__":
    sys.exit(main())
