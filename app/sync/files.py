"""Where an installation's files lie. No HTTP here: the scheduler needs it too."""

from __future__ import annotations

from pathlib import Path

from mobile_sync.adapters.local_store import PartialFiles


def partial_files(blob_root: Path) -> PartialFiles:
    """Half-arrived files, on the same disk as the store, so that a rename makes them whole at once."""
    return PartialFiles(blob_root / "partial")
