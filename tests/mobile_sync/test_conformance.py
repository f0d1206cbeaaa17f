"""The vectors that the TypeScript half runs too: one contract, two programs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from mobile_sync.collection import FieldRule, Policy, rule_for
from mobile_sync.incidents import noted, to_tell, told
from mobile_sync.kept import Kept, MemoryStorage
from mobile_sync.merge import UNKNOWN, Decision, decide, status_of
from mobile_sync.outbox import Entry, Outbox, Stage
from mobile_sync.protocol import Outcome
from mobile_sync.replica import Replica, checksum, is_far_behind
from mobile_sync.settling import numbered_in, settled_pull
from mobile_sync.tablet import Tablet
from mobile_sync.testing import Ticker

VECTORS = Path(__file__).parents[2] / "mobile_sync" / "conformance"


def vectors(file: str, part: str) -> list[Any]:
    """Parametrised by rule and sentence."""
    cases = json.loads((VECTORS / f"{file}.json").read_text("utf-8"))[part]
    return [pytest.param(case, id=f"{case['rule']} {case['name']}") for case in cases]


@pytest.mark.parametrize("case", vectors("merge", "fields"))
def test_a_field_is_decided(case: dict[str, Any]) -> None:
    decision = decide(
        FieldRule(Policy(case["policy"]), case.get("steps", {})),
        base=UNKNOWN if case.get("base_unknown") else case["base"],
        theirs=case["theirs"],
        mine=case["mine"],
        passed=case.get("passed", ()),
        contested=case.get("contested", False),
    )
    assert {"outcome": decision.outcome.value, "value": decision.value} == case["expect"]


@pytest.mark.parametrize("case", vectors("merge", "status"))
def test_the_status_of_an_op_follows_from_its_fields(case: dict[str, Any]) -> None:
    decisions = {str(index): Decision(Outcome(name), None) for index, name in enumerate(case["outcomes"])}
    assert status_of(decisions) == case["expect"]


@pytest.mark.parametrize("case", vectors("merge", "rules"))
def test_the_longest_rule_counts(case: dict[str, Any]) -> None:
    rules = {name: FieldRule(Policy.HUMAN, {name: ()}) for name in case["rules"]}
    found = rule_for(rules, case["field"])
    assert (next(iter(found.steps)) if found else None) == case["expect"]


def outbox_of(case: dict[str, Any]) -> Outbox:
    """The outbox a vector describes."""
    entries = tuple(
        Entry({name: value for name, value in op.items() if name != "stage"}, Stage(op["stage"])) for op in case["ops"]
    )
    return Outbox(entries, case.get("next_op_no", 1))


@pytest.mark.parametrize("case", vectors("outbox", "settle"))
def test_an_answer_settles_the_outbox(case: dict[str, Any]) -> None:
    after = outbox_of(case).settle(case["answer"])
    ops = [{**entry.op, "stage": entry.stage.value} for entry in after.entries]
    sent = [op["op_no"] for op in after.to_send()]
    assert {"ops": ops, "next_op_no": after.next_op_no, "send": sent} == case["expect"]


@pytest.mark.parametrize("case", vectors("outbox", "to_send"))
def test_a_batch_is_cut(case: dict[str, Any]) -> None:
    assert [op["op_no"] for op in outbox_of(case).to_send(case["limit"])] == case["expect"]


@pytest.mark.parametrize("case", vectors("outbox", "record"))
def test_an_edit_becomes_an_op(case: dict[str, Any]) -> None:
    docs = {key: {"rev": rev, "doc": {}} for key, rev in case["docs"].items()}
    kept = Kept(replica=Replica(case["epoch"], {}, {}, docs))
    storage = MemoryStorage()
    storage.save(kept, {})
    clock = Ticker(datetime(2026, 7, 16, tzinfo=UTC))
    tablet = Tablet(lambda _path, _body: {}, clock, schema_version=case["schema_version"], storage=storage)
    edit = case["edit"]
    op = tablet.op(edit["kind"], edit["entity"], UUID(edit["rec_id"]), edit["fields"])
    assert {name: op[name] for name in ("base_rev", "epoch", "schema_version") if name in op} == case["expect"]


def replica_of(case: dict[str, Any]) -> Replica:
    """The replica a vector describes."""
    told = case["replica"]
    docs = {key: {"rev": doc["rev"], "doc": {}} for key, doc in told["docs"].items()}
    return Replica(
        told["epoch"], dict(told["cursors"]), {key: dict(held) for key, held in told["members"].items()}, docs
    )


@pytest.mark.parametrize("case", vectors("replica", "apply"))
def test_a_pull_is_taken_in(case: dict[str, Any]) -> None:
    replica = replica_of(case)
    replica.apply(case["answers"], case["pending"])
    assert {
        "epoch": replica.epoch,
        "cursors": replica.cursors,
        "members": replica.members,
        "docs": {key: held["rev"] for key, held in replica.docs.items()},
        "mismatched": sorted(replica.mismatched),
        "shadows": sorted(replica.shadows),
    } == case["expect"]


@pytest.mark.parametrize("case", vectors("replica", "request"))
def test_the_next_pull_asks_from_where_the_device_stands(case: dict[str, Any]) -> None:
    replica = replica_of(case)
    replica.mismatched = set(case["mismatched"])
    assert replica.request(case["staged"]) == case["expect"]


@pytest.mark.parametrize("case", vectors("replica", "checksum"))
def test_a_bucket_adds_up(case: dict[str, Any]) -> None:
    assert checksum(case["members"]) == case["expect"]


@pytest.mark.parametrize("case", vectors("replica", "far_behind"))
def test_a_device_far_behind_asks_for_a_stream(case: dict[str, Any]) -> None:
    assert is_far_behind(case["request"]) is case["expect"]


@pytest.mark.parametrize("case", vectors("bundles", "epoch"))
def test_a_bundle_is_of_the_life_its_numbers_hold_in(case: dict[str, Any]) -> None:
    ops = [{"entity": "note", "rec_id": "x", **op} for op in case["ops"]]
    kept = Kept(outbox_of({"ops": ops}), life=case["asked"], asked=case["asked"])
    for epoch in case["pulled"]:
        page = {"epoch": epoch, "server_at": "2026-07-16T00:00:00.000Z", "buckets": [], "dropped": [], "changes": []}
        kept = settled_pull(kept, [page], frozenset())
    assert numbered_in(kept) == case["expect"]


@pytest.mark.parametrize("case", vectors("incidents", "noted"))
def test_an_incident_begins_lasts_and_ends(case: dict[str, Any]) -> None:
    after = noted(case["known"], case["server_at"], case["own"], case["wrong"], case["unsure"])
    assert after == case["expect"]


@pytest.mark.parametrize("case", vectors("incidents", "told"))
def test_an_incident_is_told_until_the_server_has_it(case: dict[str, Any]) -> None:
    assert to_tell(case["known"]) == case["tell"]
    assert told(case["known"], case["tell"]) == case["expect"]
