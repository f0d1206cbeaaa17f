"""What can go wrong, counted; fuses that stop a program between any two of its steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field


class Died(BaseException):
    """A process is gone between two steps. No `except Exception` of the code under test may catch it."""


class Violation(AssertionError):
    """An invariant does not hold. `name` is the one of the design (I1 … I25) or the rule of SPEC.md."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"{name}: {what}")
        self.name = name


@dataclass
class Fuse:
    """Burns one step at a time once it is lit; at the end the program dies there. `passed`: every step there was."""

    tell: Callable[[str], None]
    left: int | None = None
    passed: set[str] = field(default_factory=set)

    def light(self, steps: int) -> None:
        """Die before the step after `steps` more."""
        self.left = steps

    def burn(self, what: str) -> None:
        """A step is about to happen."""
        self.passed.add(what)
        if self.left is None:
            return
        if self.left == 0:
            self.left = None
            self.tell(what)
            raise Died(what)
        self.left -= 1


@dataclass
class Tally:
    """What happened in a run, or in many. `passed`: steps of server and tablet; `crashes`: deaths before each."""

    steps: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    results: Counter[str] = field(default_factory=Counter)
    crashes: Counter[str] = field(default_factory=Counter)
    passed: set[str] = field(default_factory=set)

    def add(self, other: Tally) -> None:
        """Sum up."""
        self.steps += other.steps
        self.faults += other.faults
        self.checks += other.checks
        self.results += other.results
        self.crashes += other.crashes
        self.passed |= other.passed
