"""The plain data are complete and say where they come from."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from random import Random  # noqa: TID251 - the generator takes a seeded source
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from app.district.jobs import FORM_OF, answered
from app.jobs.models import JobKind

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
FORMS = sorted((FIXTURES / "forms").glob("*.json"))


def rows(name: str) -> list[dict[str, str]]:
    with (FIXTURES / name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def form(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def bilingual(title: dict[str, str]) -> bool:
    return bool(title.get("zh-CN")) and bool(title.get("en"))


def test_every_kind_of_job_has_a_checklist() -> None:
    assert {form(path)["kind"] for path in FORMS} == {kind.value for kind in JobKind} == set(FORM_OF)


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_checklist_is_a_valid_schema_in_two_languages(path: Path) -> None:
    document = form(path)
    Draft202012Validator.check_schema(document["schema"])
    items = document["schema"]["properties"]
    assert set(document["required"]) <= set(items)
    assert all(bilingual(item["x-title"]) for item in items.values())
    options = [option for item in items.values() for option in item["x-ui"].get("options", [])]
    assert all(bilingual(option["title"]) for option in options)
    assert all(
        [o["value"] for o in item["x-ui"]["options"]] == item["enum"] for item in items.values() if "enum" in item
    )
    slots = [*document["photo_slots"], *document["signature_slots"]]
    assert all(bilingual(slot["title"]) for slot in slots)
    orders = [item["x-ui"]["order"] for item in items.values()]
    assert orders == sorted(set(orders))


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_generated_answers_fit_their_checklist(path: Path) -> None:
    document = form(path)
    validator = Draft202012Validator({**document["schema"], "required": document["required"]})
    faults = [fault.message for seed in range(50) for fault in validator.iter_errors(answered(Random(seed), document))]
    assert faults == []


def test_an_outage_repair_asks_for_two_photos_and_a_signature() -> None:
    document = form(FIXTURES / "forms" / "outage-repair.json")
    assert {slot["slot"] for slot in document["photo_slots"] if slot["required"]} == {"before", "after"}
    assert [slot["slot"] for slot in document["signature_slots"] if slot["required"]] == ["customer"]


def test_the_glossary_names_each_term_once_in_both_languages() -> None:
    terms = rows("glossary.csv")
    assert len(terms) >= 120
    assert max(Counter(term["zh"] for term in terms).values()) == 1
    assert all(term["zh"] and term["en"] and term["code"] for term in terms)


def test_every_limit_has_a_number_a_source_and_a_confidence() -> None:
    limits = rows("standard_limits.csv")
    assert all(limit["confidence"] in "ABCD" and limit["source"] for limit in limits)
    assert all(limit["limit_type"] in ("max", "min", "average") for limit in limits)
    assert [limit["code"] for limit in limits if not limit["value"].replace(".", "").removeprefix("-").isdigit()] == []
    promise = {r["applies_to"]: r["value"] for r in limits if r["code"] == "power.arrival.promise"}
    assert promise == {"city": "45", "rural": "90", "remote": "120"}


def test_the_catalogue_charges_for_sixteen_of_thirty_four_services_at_invented_prices() -> None:
    services = rows("catalogue.csv")
    charged = [service for service in services if service["charged"] == "yes"]
    assert (len(services), len(charged)) == (34, 16)
    assert all(service["ownership"] == "customer_owned" and service["synthetic_price"] == "yes" for service in charged)


def test_nine_fee_names_are_forbidden() -> None:
    assert len({fee["name_zh"] for fee in rows("forbidden_fees.csv")}) == 9
