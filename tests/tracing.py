"""What coverage costs: a traced line takes up to eight times as long."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def without_tracer() -> Iterator[None]:
    """No coverage meanwhile, for what is done over and over: it reaches no line that is not reached elsewhere."""
    with tracer(None):
        yield


@contextmanager
def tracer(wanted: Any) -> Iterator[None]:
    """Another tracer meanwhile: None, or the one of `sys.gettrace` for the few lines that are of interest."""
    before = sys.gettrace()
    sys.settrace(wanted)
    try:
        yield
    finally:
        sys.settrace(before)
