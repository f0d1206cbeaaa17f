"""Who may do what, how long a login lasts, when a try must wait. Values in, values out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv6Address, ip_address
from uuid import UUID

from app.identity.errors import WeakPassword
from app.identity.models import Role, SessionKind
from app.kernel.actor import Permission
from app.kernel.problems import FieldError

P = Permission

PERMISSIONS: dict[Role, frozenset[P]] = {
    # The ground, to find the way and the right pole; what moves on it a tablet knows of its own crew only, by sync.
    Role.CREW_MEMBER: frozenset({P.WORK_JOBS, P.READ_MAP}),
    Role.TEAM_LEADER: frozenset({P.WORK_JOBS, P.READ_MAP, P.READ_ALL_JOBS, P.SETTLE_CONFLICTS, P.READ_STAFF}),
    Role.ENGINEER: frozenset({P.READ_MAP, P.READ_ALL_JOBS, P.READ_CUSTOMERS}),
    Role.DISPATCHER: frozenset(
        {
            *(P.READ_MAP, P.READ_ALL_JOBS, P.TAKE_CALLS, P.EDIT_JOBS, P.DISPATCH, P.SETTLE_CONFLICTS),
            *(P.READ_CUSTOMERS, P.READ_STAFF, P.READ_FLEET, P.REPAIR_OPS, P.MANAGE_CREWS),
            P.READ_RELIABILITY,
        }
    ),
    Role.HOTLINE: frozenset({P.READ_MAP, P.READ_ALL_JOBS, P.TAKE_CALLS, P.READ_CUSTOMERS}),
    Role.VIP_MANAGER: frozenset({P.READ_MAP, P.READ_ALL_JOBS, P.TAKE_CALLS, P.READ_CUSTOMERS}),
    Role.QUALITY: frozenset({P.READ_MAP, P.READ_ALL_JOBS, P.READ_CUSTOMERS, P.READ_STAFF}),
    Role.MANAGER: frozenset(
        {
            *(P.READ_MAP, P.READ_ALL_JOBS, P.READ_CUSTOMERS, P.READ_STAFF, P.READ_AUDIT),
            *(P.MANAGE_DEVICES, P.READ_FLEET, P.MANAGE_CREWS, P.READ_RELIABILITY),
        }
    ),
    # Runs the accounts, not the work: an administrator has no business in customers' files. Helps crews with tablets.
    Role.ADMIN: frozenset(
        {
            *(P.READ_MAP, P.READ_ALL_JOBS, P.READ_STAFF, P.READ_AUDIT, P.MANAGE_DEVICES, P.MANAGE_PEOPLE),
            *(P.READ_FLEET, P.REPAIR_OPS),
        }
    ),
}


def granted(grants: Iterable[tuple[Role, UUID]]) -> dict[UUID, frozenset[P]]:
    """Permissions by branch, from (role, branch) pairs."""
    found: dict[UUID, frozenset[P]] = {}
    for role, branch_id in grants:
        found[branch_id] = found.get(branch_id, frozenset()) | PERMISSIONS[role]
    return found


# -- how long a login lasts ------------------------------------------------------------------------------------------

ACCESS_LIFETIME = timedelta(minutes=10)
TOUCH_EVERY = timedelta(minutes=1)  # a browser's idle clock is written at most this often
ENROLMENT_CODE_LIFETIME = timedelta(minutes=30)

# A browser's cookie dies when idle; a token pair dies when not refreshed. Both end at last.
IDLE = {
    SessionKind.BROWSER: timedelta(hours=12),
    SessionKind.API: timedelta(days=30),
    SessionKind.DEVICE: timedelta(days=90),
}
ABSOLUTE = {
    SessionKind.BROWSER: timedelta(days=7),
    SessionKind.API: timedelta(days=180),
    SessionKind.DEVICE: timedelta(days=365),
}


def access_ends(kind: SessionKind, *, now: datetime, ends: datetime) -> datetime:
    """Until when the token shown with each request holds, if it is issued or used now."""
    return min(now + (IDLE[kind] if kind is SessionKind.BROWSER else ACCESS_LIFETIME), ends)


def session_ends(kind: SessionKind, *, now: datetime, started: datetime) -> datetime:
    """When the login ends if nobody refreshes it any more. A browser's only end that is fixed is the absolute one."""
    absolute = started + ABSOLUTE[kind]
    return absolute if kind is SessionKind.BROWSER else min(now + IDLE[kind], absolute)


def slides(kind: SessionKind, *, now: datetime, access_expires_at: datetime, ends: datetime) -> datetime | None:
    """The new idle end of a browser's login, when it is time to write it."""
    if kind is not SessionKind.BROWSER:
        return None
    until = access_ends(kind, now=now, ends=ends)
    return until if until - access_expires_at >= TOUCH_EVERY else None


class Refresh(StrEnum):
    """What to answer to a refresh token."""

    ROTATE = "rotate"  # the newest one: issue the next
    REPEAT = "repeat"  # the one before, from the same tablet: its answer was lost; give the same again
    SIGN_IN = "sign_in"  # an old one from the same tablet: its storage was set back; ask for the password
    REVOKE = "revoke"  # an old one without proof: somebody copied it


def refresh_decision(*, current: int, presented: int, proven: bool) -> Refresh:
    """Judge a genuine refresh token of generation `presented` when `current` is the newest.

    `proven` means signed now by the key of the tablet the login belongs to.
    """
    if presented == current:
        return Refresh.ROTATE
    if not proven:
        return Refresh.REVOKE
    return Refresh.REPEAT if presented == current - 1 else Refresh.SIGN_IN


# -- keys of GIS programs --------------------------------------------------------------------------------------------

# What a key of theirs can show at most, whoever made it: the ground and what moves on it.
GIS_PERMISSIONS = frozenset({P.READ_MAP, P.READ_ALL_JOBS})
LONGEST_GIS_KEY = timedelta(days=366)
MOST_GIS_KEYS = 20  # a person's, good at one time
NOTE_GIS_USE_EVERY = timedelta(hours=1)  # a map asks a hundred times a minute; once an hour stands in the trail


def shown_to_gis(grants: dict[UUID, frozenset[P]]) -> dict[UUID, frozenset[P]]:
    """What of a person's rights their GIS programs have."""
    return {branch_id: held & GIS_PERMISSIONS for branch_id, held in grants.items()}


# -- failed logins ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Patience:
    """How many failures are free, and the longest that the next try must wait."""

    free: int
    longest: timedelta


FIRST_WAIT = timedelta(seconds=5)
LOGIN_PATIENCE = Patience(free=5, longest=timedelta(minutes=15))
# A whole control room may stand behind one address, whose wait refuses right passwords too: more tries, less wait.
ADDRESS_PATIENCE = Patience(free=50, longest=timedelta(minutes=1))
FORGET_FAILURES = timedelta(hours=1)


def failures_after(failures: int, last_failure_at: datetime | None, now: datetime) -> int:
    """The count with this failure; a quiet hour forgets the earlier ones."""
    if last_failure_at is None or now - last_failure_at > FORGET_FAILURES:
        return 1
    return failures + 1


def wait_after(failures: int, patience: Patience) -> timedelta | None:
    """How long the next try must wait: 5 s after the free tries are spent, doubling up to the longest."""
    over = failures - patience.free
    if over < 0:
        return None
    return min(FIRST_WAIT * (1 << min(over, 16)), patience.longest)


def network_of(address: str | None) -> str:
    """What counts as one address: an IPv4 address, or the /64 that one IPv6 host can roam in."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed)


# -- passwords -------------------------------------------------------------------------------------------------------

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 128
COMMON = ("password", "12345678", "87654321", "qwertyui", "admin123", "11111111", "88888888", "00000000", "iloveyou")


def check_password(password: str, *, login: str) -> None:
    """Length first (NIST SP 800-63B §5.1.1.2): at least 10 characters, not the login, not of the usual kind.

    Raises:
        WeakPassword: with the reason.
    """
    lowered = password.casefold()
    if len(password) < SHORTEST_PASSWORD:
        raise WeakPassword(FieldError("password", "too_short", {"min": SHORTEST_PASSWORD}))
    if len(password) > LONGEST_PASSWORD:
        raise WeakPassword(FieldError("password", "too_long", {"max": LONGEST_PASSWORD}))
    if login.casefold() in lowered or any(common in lowered for common in COMMON) or len(set(lowered)) < 4:
        raise WeakPassword(FieldError("password", "guessable"))
