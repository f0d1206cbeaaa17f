"""SPEC.md and its tests belong together: no rule without a test, no test of a rule that is not there."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.mobile_sync.test_planted import PLANTS

HERE = Path(__file__).parent
ENGINE = HERE.parents[1] / "mobile_sync"
CLIENTS = (ENGINE / "client" / "tests", HERE.parents[1] / "app" / "web" / "src" / "crew")


def rules() -> set[str]:
    """The ids in SPEC.md."""
    return set(re.findall(r"^- \*\*([WPMLSTBCRDVE]\d+)\*\*", (ENGINE / "SPEC.md").read_text("utf-8"), re.MULTILINE))


def rules_tested() -> set[str]:
    """The ids that tests or vectors are named by, in Python and in TypeScript."""
    names = " ".join(path.read_text("utf-8") for path in HERE.glob("test_*.py"))
    by_name = set(re.findall(r"def test_([WPMLSTBCRDVE]\d+)_", names))
    vectors = [json.loads(path.read_text("utf-8")) for path in (ENGINE / "conformance").glob("*.json")]
    by_client = {rule for folder in CLIENTS for path in folder.rglob("*.test.ts") for rule in _named(path)}
    return by_name | by_client | {case["rule"] for parts in vectors for cases in parts.values() for case in cases}


def _named(path: Path) -> set[str]:
    """The ids in the names of a vitest file: rules that only a client keeps."""
    names = re.findall(r"""\b(?:it|test|describe)\(["'`]([^"'`]+)""", path.read_text("utf-8"))
    return {rule for name in names for rule in re.findall(r"\b[WPMLSTBCRDVE]\d+\b", name)}


def test_every_rule_has_a_test_named_by_it() -> None:
    assert rules() - rules_tested() == set()


INVARIANT = re.compile(r"^\| \*\*(I\d+)\*\* \|[^|]+\|([^|]*)\|([^|]*)\|([^|]*)\|$", re.MULTILINE)


def invariants() -> dict[str, tuple[set[str], set[str], set[str]]]:
    """By their table in SPEC.md: the checks of the simulation, the tests, and the planted bugs that each names."""
    rows = INVARIANT.findall((ENGINE / "SPEC.md").read_text("utf-8"))
    return {
        name: (set(re.findall(r"[A-Z]\d+", checks)), set(re.findall(r"`(\w+)`", tests)), _split(planted))
        for name, checks, tests, planted in rows
    }


def _split(cell: str) -> set[str]:
    return {part.strip() for part in cell.split(",") if part.strip()}


def test_every_invariant_of_the_design_is_held_by_a_check_or_a_test() -> None:
    held = {name for name, (checks, tests, _) in invariants().items() if checks or tests}
    assert held == {f"I{number}" for number in range(1, 26)}


def test_the_invariants_name_checks_tests_and_planted_bugs_that_are_there() -> None:
    sources = "".join(path.read_text("utf-8") for path in (ENGINE / "simulation").glob("*.py"))
    tests = "".join(path.read_text("utf-8") for path in HERE.parent.rglob("test_*.py"))
    for name, (checks, named, planted) in invariants().items():
        assert {check for check in checks if f'"{check}"' not in sources} == set(), name
        assert {test for test in named if f"def test_{test}(" not in tests} == set(), name
        assert planted <= {plant.name for plant in PLANTS}, name


def test_every_planted_bug_stands_beside_an_invariant_or_breaks_a_rule() -> None:
    named = {bug for _, _, planted in invariants().values() for bug in planted}
    assert {plant.name for plant in PLANTS if plant.name not in named and plant.breaks not in rules()} == set()


def test_no_test_names_a_rule_that_is_not_there() -> None:
    assert rules_tested() - rules() == set()
