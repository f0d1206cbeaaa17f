"""`python -m mobile_sync simulate`: many seeds, one line; or one seed, step by step."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from mobile_sync.simulation.campaign import Campaign, Summary


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked for."""
    parser.add_argument("--seeds", type=int, default=2_000, help="how many runs (default 2000)")
    parser.add_argument("--start", type=int, default=0, help="the first seed (default 0)")
    parser.add_argument("--store", choices=("memory", "postgres"), default="memory")
    parser.add_argument("--database", help="address of a PostgreSQL database (default: DATABASE_URL)")
    parser.add_argument("--trace", action="store_true", help="print every step of the runs that fail")


def simulate(wanted: argparse.Namespace) -> int:
    """Run; 0 if every invariant held in every run."""
    with _campaign(wanted) as campaign:
        summary = campaign.over(range(wanted.start, wanted.start + wanted.seeds))
        _report(campaign, summary, trace=wanted.trace)
    return 1 if summary.failures else 0


def _report(campaign: Campaign, summary: Summary, *, trace: bool) -> None:
    for failure in summary.failures:
        again = f"python -m mobile_sync simulate --store {summary.store} --start {failure.seed} --seeds 1 --trace"
        sys.stdout.write(f"seed {failure.seed} broke {failure.what}\n  again, step by step: {again}\n")
        if trace:
            sys.stdout.writelines(f"{line}\n" for line in campaign.traced(failure.seed))
    sys.stdout.write(summary.line() + "\n")


@contextmanager
def _campaign(wanted: argparse.Namespace) -> Iterator[Campaign]:
    if wanted.store == "memory":
        yield Campaign()
        return
    # Only this store needs SQLAlchemy and Flask.
    from mobile_sync.simulation.postgres import PostgresHouse  # noqa: PLC0415
    from mobile_sync.simulation.postgres_state import drop_schema, simulation_engine  # noqa: PLC0415

    address = wanted.database or os.environ.get("DATABASE_URL")
    if not address:
        raise SystemExit("--database or DATABASE_URL names the database to simulate in")
    engine = simulation_engine(address)
    try:
        yield Campaign(lambda parts: PostgresHouse(engine, parts), store="postgres")
    finally:
        drop_schema(engine)
