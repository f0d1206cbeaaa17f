"""Stamps: a file that says with which inputs a step was last finished, so that a second start skips it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

BUILT = {"node_modules", "dist", "__pycache__", ".vite", "coverage"}


def digest(paths: Iterable[Path], *also: str) -> str:
    """SHA-256 over the names and contents of files, and of everything in folders except what builds leave there."""
    sum_ = hashlib.sha256()
    for path in paths:
        for file in files_in(path):
            sum_.update(str(file.relative_to(path.parent)).encode() + b"\0")
            sum_.update(hashlib.sha256(file.read_bytes()).digest())
    for text in also:
        sum_.update(text.encode() + b"\0")
    return sum_.hexdigest()


def files_in(path: Path) -> list[Path]:
    """`path` itself, or the files under it in a fixed order, leaving out what is built and not written."""
    if path.is_file():
        return [path]
    found: list[Path] = []
    for entry in sorted(path.iterdir()) if path.is_dir() else []:
        if entry.name not in BUILT:
            found += files_in(entry)
    return found


class Stamp:
    """One finished step."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def matches(self, value: str) -> bool:
        """Whether the step was finished with exactly these inputs."""
        return self.path.is_file() and self.path.read_text() == value

    def write(self, value: str) -> None:
        """Remember that the step is finished; written whole or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_name(self.path.name + ".new")
        fresh.write_text(value)
        fresh.replace(self.path)

    def clear(self) -> None:
        """Forget it."""
        self.path.unlink(missing_ok=True)
