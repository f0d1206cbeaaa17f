"""Districts are costly to make and never changed: one of each size a session."""

from __future__ import annotations

import pytest

from tests.district.collected import Collected, collect
from tests.tracing import without_tracer


@pytest.fixture(scope="session")
def tiny() -> Collected:
    """The tiny district."""
    return collect("tiny")


@pytest.fixture(scope="session")
def demo() -> Collected:
    """The demo district, 90 days of history included."""
    with without_tracer():  # the tiny one goes through the same lines
        return collect("demo")
