"""`python -m mobile_sync simulate`: many seeds, one line; or one seed, step by step."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from mobile_sync.simulation.campaign import Campaign, Summary
from mobile_sync.simulation.workers import over_in_parallel


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What can be asked for."""
    parser.add_argument("--seeds", type=int, default=2_000, help="how many runs (default 2000)")
    parser.add_argument("--start", type=int, default=0, help="the first seed (default 0)")
    parser.add_argument("--store", choices=("memory", "postgres"), default="memory")
    parser.add_argument("--database", help="address of a PostgreSQL database (default: DATABASE_URL)")
    parser.add_argument("--workers", type=int, default=1, help="processes, in memory only; says how far they are")
    parser.add_argument("--trace", action="store_true", help="print every step of the runs that fail")


def simulate(wanted: argparse.Namespace) -> int:
    """Run; 0 if every invariant held in every run."""
    seeds = range(wanted.start, wanted.start + wanted.seeds)
    if wanted.workers > 1 and wanted.store != "memory":
        raise SystemExit("--workers is for --store memory: a database holds one simulation at a time")
    with _campaign(wanted) as campaign:
        many = wanted.workers > 1
        summary = over_in_parallel(seeds, wanted.workers, _progress) if many else campaign.over(seeds)
        _report(campaign, summary, trace=wanted.trace)
    return 1 if summary.failures else 0


def _progress(summary: Summary) -> None:
    failed = ", ".join(f"{one.seed} broke {one.invariant}" for one in summary.failures) or "none"
    sys.stderr.write(f"{summary.seeds} seeds in {summary.seconds:.0f} s, failed: {failed}\n")


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
