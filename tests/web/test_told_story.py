"""The main job over HTTP, told against the whole product: the same story as `python3 -m app story`."""

from __future__ import annotations

import pytest

from app.story.told import tell
from tests.web.product import Product

pytestmark = pytest.mark.slow


def test_an_outage_call_becomes_a_finished_record_that_arrived_whole_and_once(product: Product) -> None:
    steps = [step.says for step in tell(product.origin, product.password)]
    assert steps[-1] == "the story's second job is cancelled"
    assert len(steps) == 12


def test_the_story_can_be_told_twice(product: Product) -> None:
    assert [step.seen for step in tell(product.origin, product.password)]
