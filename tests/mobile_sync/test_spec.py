"""SPEC.md and its tests belong together: no rule without a test, no test of a rule that is not there."""

from __future__ import annotations

import json
import re
from pathlib import Path

HERE = Path(__file__).parent
ENGINE = HERE.parents[1] / "mobile_sync"


def rules() -> set[str]:
    """The ids in SPEC.md."""
    return set(re.findall(r"^- \*\*([WPMLSTB]\d+)\*\*", (ENGINE / "SPEC.md").read_text("utf-8"), re.MULTILINE))


def rules_tested() -> set[str]:
    """The ids that tests or vectors are named by, in Python and in TypeScript."""
    names = " ".join(path.read_text("utf-8") for path in HERE.glob("test_*.py"))
    by_name = set(re.findall(r"def test_([WPMLSTB]\d+)_", names))
    vectors = [json.loads(path.read_text("utf-8")) for path in (ENGINE / "conformance").glob("*.json")]
    by_client = {rule for path in (ENGINE / "client" / "tests").glob("*.test.ts") for rule in _named(path)}
    return by_name | by_client | {case["rule"] for parts in vectors for cases in parts.values() for case in cases}


def _named(path: Path) -> set[str]:
    """The ids in the names of a vitest file: rules that only a client keeps."""
    names = re.findall(r"""\b(?:it|test|describe)\(["'`]([^"'`]+)""", path.read_text("utf-8"))
    return {rule for name in names for rule in re.findall(r"\b[WPMLSTB]\d+\b", name)}


def test_every_rule_has_a_test_named_by_it() -> None:
    assert rules() - rules_tested() == set()


def test_no_test_names_a_rule_that_is_not_there() -> None:
    assert rules_tested() - rules() == set()
