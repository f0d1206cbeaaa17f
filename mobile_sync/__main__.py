"""`python -m mobile_sync`: a device on the command line, and the simulation that proves the engine."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from mobile_sync.simulation import command as simulation
from mobile_sync.tool.command import add_commands


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m mobile_sync", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    simulated = commands.add_parser("simulate", help="run seeds and check every invariant")
    simulation.add_arguments(simulated)
    simulated.set_defaults(run=simulation.simulate)
    add_commands(commands)
    wanted = parser.parse_args(arguments)
    return int(wanted.run(wanted))


if __name__ == "__main__":
    sys.exit(main())
