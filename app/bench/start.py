"""How long the product took to start, as the launcher wrote it down."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from app.bench.figures import Figure, at_most
from app.kernel.unit_of_work import Runtime

ROOT = Path(__file__).resolve().parents[2]
GOALS_S = {"cold": 300.0, "again": 10.0}


def measure(runtime: Runtime) -> Iterator[Figure]:
    """Seconds of the last cold start and of the last start after it, where this checkout has made them."""
    del runtime  # the launcher measures itself: nothing here runs before it
    for kind, goal in GOALS_S.items():
        record = state_folder(os.environ) / "log" / f"start-{kind}.json"
        if record.exists():
            seen = json.loads(record.read_text())
            yield at_most(f"start.{kind}", seen["total_s"], "s", goal, f"{seen['cpus']} processors")


def state_folder(environ: Mapping[str, str]) -> Path:
    """Where the launcher keeps its state: `var/`, or the folder that LAMPLIGHTER_STATE names."""
    return Path(environ.get("LAMPLIGHTER_STATE") or ROOT / "var")
