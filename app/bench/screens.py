"""How heavy the screens are, as the builder weighs them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from app.bench.figures import Figure, at_most
from app.kernel.unit_of_work import Runtime
from app.web.budget import figures

BUILT = Path(__file__).resolve().parents[1] / "static" / "ui"


def measure(runtime: Runtime) -> Iterator[Figure]:
    """KiB of a first visit, by part."""
    del runtime  # nothing runs: built files are weighed
    if BUILT.exists():
        for size in figures(BUILT):
            yield at_most(f"screens.{size.name.replace(' ', '-')}", size.kib, "KiB", size.limit, "UI budget")
