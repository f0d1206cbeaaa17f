"""`python3 -m app COMMAND`: runs on a bare Python with the standard library only; all else is made by the launcher.

Kept free of new syntax on purpose, so that an old interpreter can still read the sentence that it is too old.
"""

import sys

OLDEST_PYTHON = (3, 11)


def main():  # type: () -> int
    """Refuse an interpreter that is too old, else hand over to the launcher."""
    if sys.version_info < OLDEST_PYTHON:
        found = "%d.%d" % sys.version_info[:2]  # noqa: UP031 - an f-string is a syntax error where this matters most
        message = (
            "Python " + found + " is too old: Lamplighter needs 3.11 or newer; "
            "start it with such a python3 (for instance python3.11 -m app up).\n"
        )
        sys.stderr.write(message)
        return 1
    from app.launch.cli import main as launch

    return launch(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
