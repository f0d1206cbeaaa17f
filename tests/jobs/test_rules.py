"""The life of a job as values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.jobs.errors import WrongTransition
from app.jobs.models import EndReason, JobKind, JobState, Priority
from app.jobs.rules import (
    TAKES_A_CREW,
    TRANSITIONS,
    Hand,
    Slot,
    allowed,
    check_step,
    end_reason,
    is_step,
    missing,
    more_urgent,
    plausible_time,
    target,
)

NOW = datetime(2026, 7, 16, tzinfo=UTC)
FORM = {
    "required": ["risk_checked", "cause"],
    "photo_slots": [{"slot": "before", "required": True}, {"slot": "site", "required": False}],
    "signature_slots": [{"slot": "customer", "required": True}],
}

states = st.sampled_from(JobState)
kinds = st.sampled_from(JobKind)


def test_every_state_has_its_row_and_the_last_two_lead_nowhere() -> None:
    assert set(TRANSITIONS) == set(JobState)
    assert [state for state, onward in TRANSITIONS.items() if not onward] == [JobState.COMPLETED, JobState.CANCELLED]


def test_every_state_can_be_reached_from_new() -> None:
    reached, edge = {JobState.NEW}, {JobState.NEW}
    while edge:
        edge = {after for state in edge for after in TRANSITIONS[state]} - reached
        reached |= edge
    assert reached == set(JobState)


@given(kind=kinds, before=states, after=states, hand=st.sampled_from(Hand))
def test_a_step_is_allowed_exactly_when_it_is_listed(
    kind: JobKind, before: JobState, after: JobState, hand: Hand
) -> None:
    listed = after in allowed(kind, before, [hand])
    if listed:
        check_step(kind, before, after, [hand])
        assert is_step(before, after)
        assert after not in TAKES_A_CREW
    else:
        with pytest.raises(WrongTransition) as refused:
            check_step(kind, before, after, [hand])
        assert refused.value.params["from"] == before.value
        assert refused.value.params["allowed"] == [state.value for state in allowed(kind, before, [hand])]


@given(kind=kinds, before=states)
def test_a_crew_never_cancels(kind: JobKind, before: JobState) -> None:
    assert JobState.CANCELLED not in allowed(kind, before, [Hand.CREW])


def test_supply_is_restored_before_a_repair_is_completed() -> None:
    assert JobState.COMPLETED not in allowed(JobKind.OUTAGE_REPAIR, JobState.WORKING, Hand)
    assert JobState.COMPLETED in allowed(JobKind.OUTAGE_REPAIR, JobState.RESTORED, Hand)


def test_an_inspection_restores_nothing() -> None:
    assert JobState.RESTORED not in allowed(JobKind.INSPECTION, JobState.WORKING, Hand)
    assert JobState.COMPLETED in allowed(JobKind.INSPECTION, JobState.WORKING, Hand)


@pytest.mark.parametrize(
    ("before", "hand", "reason"),
    [
        pytest.param(JobState.ASSIGNED, Hand.CREW, EndReason.REFUSED, id="not yet accepted: refused"),
        pytest.param(JobState.PLANNED, Hand.CREW, EndReason.REFUSED, id="a booking: refused"),
        pytest.param(JobState.WORKING, Hand.CREW, EndReason.HANDED_BACK, id="begun: handed back"),
        pytest.param(JobState.WORKING, Hand.DESK, EndReason.WITHDRAWN, id="by the desk: withdrawn"),
    ],
)
def test_a_job_becomes_new_again_for_a_reason_of_its_own(before: JobState, hand: Hand, reason: EndReason) -> None:
    assert end_reason(before, JobState.NEW, hand) is reason


def test_handed_back_is_a_way_to_become_new() -> None:
    assert target("handed_back") is target("refused") is JobState.NEW
    assert target("working") is JobState.WORKING


def test_a_checklist_says_all_that_is_missing_at_once() -> None:
    assert missing(FORM, {"cause": ""}, []) == [
        "answers.risk_checked",
        "answers.cause",
        "photos.before",
        "signatures.customer",
    ]


def test_a_photo_is_no_signature() -> None:
    answers = {"risk_checked": True, "cause": "tree"}
    assert missing(FORM, answers, [Slot("photo", "before"), Slot("photo", "customer")]) == ["signatures.customer"]
    assert missing(FORM, answers, [Slot("photo", "before"), Slot("signature", "customer")]) == []


def test_no_as_an_answer_is_an_answer() -> None:
    assert "answers.cause" not in missing(FORM, {"cause": False}, [])
    assert "answers.cause" not in missing(FORM, {"cause": 0}, [])


@given(st.timedeltas(min_value=timedelta(days=-400), max_value=timedelta(days=400)))
def test_a_devices_time_stays_within_the_jobs_life(error: timedelta) -> None:
    opened = NOW - timedelta(hours=2)
    told = plausible_time(NOW + error, opened_at=opened, now=NOW)
    assert opened <= told <= NOW
    assert told == NOW + error or not opened <= NOW + error <= NOW


def test_urgency_only_rises() -> None:
    assert more_urgent(Priority.NORMAL, Priority.EMERGENCY) is Priority.EMERGENCY
    assert more_urgent(Priority.EMERGENCY, Priority.URGENT) is Priority.EMERGENCY
