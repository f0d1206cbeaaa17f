"""Who may what, how long a login lasts, when a try must wait: decided without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.identity import rules
from app.identity.errors import WeakPassword
from app.identity.models import Role, SessionKind
from app.identity.rules import Refresh
from app.kernel.actor import Permission

NOW = datetime(2026, 7, 16, tzinfo=UTC)
HERE, THERE = UUID(int=1), UUID(int=2)


def test_every_role_has_its_permissions_and_every_permission_a_role() -> None:
    assert set(rules.PERMISSIONS) == set(Role)
    assert frozenset().union(*rules.PERMISSIONS.values()) == frozenset(Permission)


def test_a_crew_member_may_work_find_the_way_and_nothing_else() -> None:
    assert rules.PERMISSIONS[Role.CREW_MEMBER] == {Permission.WORK_JOBS, Permission.READ_MAP}


def test_an_administrator_has_no_business_in_customers_files() -> None:
    assert Permission.READ_CUSTOMERS not in rules.PERMISSIONS[Role.ADMIN]
    assert [role for role in Role if Permission.MANAGE_PEOPLE in rules.PERMISSIONS[role]] == [Role.ADMIN]


def test_permissions_add_up_within_a_branch_and_never_across() -> None:
    held = rules.granted([(Role.HOTLINE, HERE), (Role.ADMIN, HERE), (Role.CREW_MEMBER, THERE)])
    assert held[HERE] == rules.PERMISSIONS[Role.HOTLINE] | rules.PERMISSIONS[Role.ADMIN]
    assert held[THERE] == rules.PERMISSIONS[Role.CREW_MEMBER]


@pytest.mark.parametrize(
    ("presented", "proven", "answer"),
    [
        (7, False, Refresh.ROTATE),
        (7, True, Refresh.ROTATE),
        (6, True, Refresh.REPEAT),
        (6, False, Refresh.REVOKE),
        (2, True, Refresh.SIGN_IN),
        (2, False, Refresh.REVOKE),
        (8, False, Refresh.REVOKE),
    ],
)
def test_a_refresh_token_is_judged_by_its_age_and_its_proof(presented: int, proven: bool, answer: Refresh) -> None:
    assert rules.refresh_decision(current=7, presented=presented, proven=proven) is answer


@given(current=st.integers(0, 10_000), presented=st.integers(0, 10_000))
def test_without_proof_only_the_newest_refresh_token_is_good(current: int, presented: int) -> None:
    answer = rules.refresh_decision(current=current, presented=presented, proven=False)
    assert (answer is Refresh.ROTATE) == (presented == current)
    assert answer in {Refresh.ROTATE, Refresh.REVOKE}


def test_a_browser_login_slides_once_a_minute_and_ends_at_last() -> None:
    kind = SessionKind.BROWSER
    ends = rules.session_ends(kind, now=NOW, started=NOW)
    first = rules.access_ends(kind, now=NOW, ends=ends)
    assert first == NOW + timedelta(hours=12)
    soon, later = NOW + timedelta(seconds=59), NOW + timedelta(seconds=60)
    assert rules.slides(kind, now=soon, access_expires_at=first, ends=ends) is None
    assert rules.slides(kind, now=later, access_expires_at=first, ends=ends) == later + timedelta(hours=12)
    assert rules.access_ends(kind, now=ends - timedelta(hours=1), ends=ends) == ends == NOW + timedelta(days=7)


def test_an_access_token_lives_ten_minutes_and_never_slides() -> None:
    for kind in (SessionKind.API, SessionKind.DEVICE):
        ends = rules.session_ends(kind, now=NOW, started=NOW)
        until = rules.access_ends(kind, now=NOW, ends=ends)
        assert until == NOW + timedelta(minutes=10)
        assert rules.slides(kind, now=NOW + timedelta(minutes=9), access_expires_at=until, ends=ends) is None


@given(days=st.integers(0, 400))
def test_a_tablet_that_keeps_refreshing_signs_in_again_after_a_year(days: int) -> None:
    ends = rules.session_ends(SessionKind.DEVICE, now=NOW + timedelta(days=days), started=NOW)
    assert ends == NOW + timedelta(days=min(days + 90, 365))


@given(failures=st.integers(1, 100_000), patience=st.sampled_from([rules.LOGIN_PATIENCE, rules.ADDRESS_PATIENCE]))
def test_waiting_starts_after_the_free_tries_grows_and_stays_bounded(failures: int, patience: rules.Patience) -> None:
    wait = rules.wait_after(failures, patience)
    longer = rules.wait_after(failures + 1, patience)
    assert (wait is None) == (failures < patience.free)
    assert longer is not None or failures + 1 < patience.free
    if wait is not None and longer is not None:
        assert rules.FIRST_WAIT <= wait <= longer <= patience.longest


def test_a_quiet_hour_forgets_failures() -> None:
    assert rules.failures_after(4, NOW, NOW + timedelta(minutes=60)) == 5
    assert rules.failures_after(4, NOW, NOW + timedelta(minutes=61)) == 1
    assert rules.failures_after(0, None, NOW) == 1


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        (None, "unknown"),
        ("unix:", "unknown"),
    ],
)
def test_one_host_counts_as_one_address(address: str | None, network: str) -> None:
    assert rules.network_of(address) == network


@pytest.mark.parametrize("password", ["short", "a" * 129, "password-2026", "zhangsan-2026", "aabbaabbaabb"])
def test_a_password_that_is_easy_to_guess_is_refused(password: str) -> None:
    with pytest.raises(WeakPassword) as caught:
        rules.check_password(password, login="zhangsan")
    assert caught.value.errors[0].field == "password"


def test_a_long_plain_sentence_is_a_good_password() -> None:
    rules.check_password("龙衡的路灯每晚六点亮起来", login="zhangsan")
    rules.check_password("correct-horse-battery", login="zhangsan")
