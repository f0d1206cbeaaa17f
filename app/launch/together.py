"""Steps that run side by side: the first that fails ends the others' programs, and its reason is the one told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

from .programs import end_all

Result = TypeVar("Result")
Given = ParamSpec("Given")

MOST_STEPS = 8
ENDING_LOOK_S = 0.1


class Together:
    """Begins steps, each in a thread of its own; a step may wait for another's result."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.pool = pool
        self.begun: list[Future[Any]] = []

    def begin(self, step: Callable[Given, Result], *given: Given.args, **named: Given.kwargs) -> Future[Result]:
        """Begin a step."""
        begun = self.pool.submit(step, *given, **named)
        self.begun.append(begun)
        return begun

    def finish(self) -> None:
        """Wait for all; raises what the first failed step raised."""
        done, _ = wait(self.begun, return_when=FIRST_EXCEPTION)
        for step in self.begun:
            if step in done:
                step.result()

    def abandon(self) -> None:
        """End what the steps run until each has noticed: one may begin its next program meanwhile."""
        while wait(self.begun, timeout=ENDING_LOOK_S).not_done:
            end_all()


@contextmanager
def side_by_side() -> Iterator[Together]:
    """Steps begun in the block run side by side; all have ended when the block is left, whatever happened."""
    with ThreadPoolExecutor(MOST_STEPS, thread_name_prefix="step") as pool:
        together = Together(pool)
        try:
            yield together
            together.finish()
        except BaseException:
            together.abandon()
            raise
