"""The command line of the launcher."""

from __future__ import annotations

import argparse
import errno
import io
import os
import signal
import sys
from collections.abc import Callable

from .children import Address
from .commands import check, doctor, stop
from .commands.inside import COMMANDS as INSIDE
from .commands.inside import run_inside
from .commands.up import up
from .context import Launch
from .programs import disk_full
from .report import Stop

PORT = 8000
PROGRAM = "python3 -m app"


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit code, with one sentence on stderr when it is not 0."""
    bear_any_terminal()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return dispatch(arguments)
    except Stop as reason:
        print(reason.text(), file=sys.stderr)
        return reason.code
    except KeyboardInterrupt:
        print("\n已中止 / stopped", file=sys.stderr)
        return 130
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS}:
            raise
        print(unwritable(error).text(), file=sys.stderr)
        return 1


def bear_any_terminal() -> None:
    """Print a question mark for what an old terminal cannot show, instead of ending the command."""
    for channel in (sys.stdout, sys.stderr):
        if isinstance(channel, io.TextIOWrapper):
            channel.reconfigure(errors="replace")


def unwritable(error: OSError) -> Stop:
    """The sentence for a disk that takes nothing more, or a folder that is not ours."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return disk_full()
    return Stop(
        f"不能写 {error.filename}（用户 {os.geteuid()}）：请换目录的属主运行，或设 LAMPLIGHTER_STATE 指向可写的目录。",
        f"User {os.geteuid()} cannot write {error.filename}: run as its owner, or set LAMPLIGHTER_STATE.",
    )


def dispatch(arguments: list[str]) -> int:
    """Hand over to the command; what follows test and the inside commands is passed on untouched."""
    name, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if name in INSIDE:
        return run_inside(Launch.here(os.environ), name, rest)
    if name == "test":
        return check.test(Launch.here(os.environ), rest)
    options = parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.run
    return command(options)


def parser() -> argparse.ArgumentParser:
    """Every command with its options."""
    top = argparse.ArgumentParser(prog=PROGRAM, description="Lamplighter: field service for power and gas utilities.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    starting = commands.add_parser("up", help="start everything (environment, database, screens, processes)")
    starting.add_argument("--port", type=int, default=PORT, help="web port; the event stream takes the next one")
    starting.add_argument(
        "--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 for tablets in the same network"
    )
    starting.add_argument("--verbose", action="store_true", help="show the processes' logs here, too")
    starting.set_defaults(
        run=lambda o: up(Launch.here(os.environ), Address.listening_on(o.host, o.port), echo=o.verbose)
    )
    down = commands.add_parser("down", help="stop a running `up` and the servers it started")
    down.set_defaults(run=lambda _: stop.down(Launch.here(os.environ)))
    wiping = commands.add_parser("wipe", help="delete the data (database, queue, photos)")
    wiping.add_argument("--yes", action="store_true", help="do not ask")
    wiping.add_argument("--all", action="store_true", help="everything under var/, downloaded programs included")
    wiping.set_defaults(run=lambda o: stop.wipe(Launch.here(os.environ), everything=o.all, sure=o.yes))
    looking = commands.add_parser("doctor", help="say what is here, what runs and what is missing")
    looking.add_argument("--port", type=int, default=PORT)
    looking.set_defaults(run=lambda o: doctor.doctor(Launch.here(os.environ), o.port))
    commands.add_parser(
        "test", help="every check and test; arguments go to pytest; --quick skips the linters", add_help=False
    )
    for name, says in INSIDE.items():
        commands.add_parser(name, help=says, add_help=False)
    return top
