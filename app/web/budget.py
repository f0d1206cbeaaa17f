"""How many bytes a first visit costs, against the limits of the design; read from Vite's manifest and the .gz files."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Manifest = dict[str, dict[str, Any]]

# Chunks the first screen asks for by `import()`, named by their source file.
DESK_FIRST_SCREEN = ("desk.html", "src/desk/screens/dispatch/LiveDesk.vue", "src/desk/i18n/zh-CN.json")
DESK_MAP = "src/desk/map/engine.ts"
PRECACHE_LIMIT_KIB = {"raw": 2400.0, "brotli": 600.0}


@dataclass(frozen=True)
class Figure:
    """One measured size and its limit, both in KiB."""

    name: str
    kib: float
    limit: float


def figures(output: Path) -> list[Figure]:
    """Every budgeted size of the built files under `output`."""
    return [*desk_figures(output / "desk"), *crew_figures(output / "crew")]


def desk_figures(folder: Path) -> list[Figure]:
    """The first screen without the map, the map's chunk and the map's worker, gzipped."""
    manifest = manifest_of(folder)
    first = files_of(manifest, [name for name in DESK_FIRST_SCREEN if name in manifest])
    chunk = files_of(manifest, [DESK_MAP]) - first
    workers = {str(path.relative_to(folder)) for path in folder.glob("assets/maplibre-gl-worker*.js")}
    return [
        Figure("desk first screen JS+CSS gz", gzipped(folder, first), 280),
        Figure("desk map chunk gz", gzipped(folder, chunk - workers), 300),
        Figure("desk map worker gz", gzipped(folder, workers), 150),
    ]


def crew_figures(folder: Path) -> list[Figure]:
    """What the tablet needs to start, and everything its service worker stores."""
    start = {name for name in files_of(manifest_of(folder), ["crew.html"]) if name.endswith(".js")}
    stored = [path for path in folder.rglob("*") if is_precached(path)]
    brotli = sum(path.with_name(path.name + ".br").stat().st_size for path in stored if has_brotli(path))
    plain = sum(path.stat().st_size for path in stored if not has_brotli(path))
    return [
        Figure("crew start JS gz", gzipped(folder, start), 110),
        Figure("crew precache raw", sum(path.stat().st_size for path in stored) / 1024, PRECACHE_LIMIT_KIB["raw"]),
        Figure("crew precache brotli", (brotli + plain) / 1024, PRECACHE_LIMIT_KIB["brotli"]),
    ]


def is_precached(path: Path) -> bool:
    """Everything but the worker itself, its compressed copies and Vite's own notes."""
    return path.is_file() and path.suffix not in {".br", ".gz"} and path.name != "sw.js" and ".vite" not in path.parts


def has_brotli(path: Path) -> bool:
    """Pictures have no compressed copy."""
    return path.with_name(path.name + ".br").exists()


def manifest_of(folder: Path) -> Manifest:
    """Vite's list of sources and the files made from them."""
    manifest: Manifest = json.loads((folder / ".vite" / "manifest.json").read_text())
    return manifest


def files_of(manifest: Manifest, names: Iterable[str]) -> set[str]:
    """The files of these sources and of all they import at once, styles included."""
    seen: set[str] = set()
    files: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        chunk = manifest[name]
        files |= {chunk["file"], *chunk.get("css", [])}
        todo += chunk.get("imports", [])
    return {name for name in files if name.endswith((".js", ".css"))}


def gzipped(folder: Path, names: Iterable[str]) -> float:
    """KiB of the gzipped copies."""
    return sum((folder / f"{name}.gz").stat().st_size for name in names) / 1024


def over_budget(measured: list[Figure]) -> list[Figure]:
    """The figures above their limit."""
    return [figure for figure in measured if figure.kib > figure.limit]


def table(measured: list[Figure]) -> str:
    """Name, size, limit, a line each."""
    return "\n".join(f"  {figure.name:<30} {figure.kib:8.1f} KiB  limit {figure.limit:6.0f}" for figure in measured)
