"""``python -m course_utils COMMAND``: what the package offers on the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence


def _doctor(arguments: argparse.Namespace) -> int:
    from course_utils import doctor

    return doctor.main()


def _fetch(arguments: argparse.Namespace) -> int:
    from course_utils.data import fetching

    if arguments.name is None:
        print(fetching.listing())
        return 0
    try:
        file = fetching.fetch(arguments.name, arguments.source)
    except fetching.CourseError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; the same command begins again.", file=sys.stderr)
        return 130
    print(f"{arguments.name} is ready: {file}")
    return 0


def make_parser() -> argparse.ArgumentParser:
    """Return the parser; each command sets ``run``, a function of the parsed arguments."""
    parser = argparse.ArgumentParser(prog="python -m course_utils")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    command = commands.add_parser("doctor", help="say what is wrong with this set-up")
    command.set_defaults(run=_doctor)
    command = commands.add_parser("fetch", help="download a larger data set, or list them")
    command.add_argument("name", nargs="?", help="of a data set; none: list them")
    command.add_argument(
        "--from",
        dest="source",
        metavar="PATH",
        help="take this archive, or the one in this folder, instead of a download",
    )
    command.set_defaults(run=_fetch)
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
