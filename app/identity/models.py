"""Tables of identity: branches and org units, people and roles, sessions, devices, throttles, audit."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from shapely.geometry import MultiPolygon
from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Model, Record, Scoped, by_value, gist
from app.kernel.geo import Shape

LOGIN_TAKEN = "uq_person_login"
BRANCH_CODE_TAKEN = "uq_branch_code"
STAFF_NO_TAKEN = "uq_person_branch_id_staff_no"
ROLE_GRANTED = "uq_role_grant_person_id_role_branch_id"
DEVICE_KEY_KNOWN = "uq_device_key_thumbprint"


class Role(StrEnum):
    """What a person is, in one branch; permissions follow from it (rules.PERMISSIONS)."""

    CREW_MEMBER = "crew_member"
    TEAM_LEADER = "team_leader"
    ENGINEER = "engineer"
    DISPATCHER = "dispatcher"
    HOTLINE = "hotline"
    VIP_MANAGER = "vip_manager"
    QUALITY = "quality"
    MANAGER = "manager"
    ADMIN = "admin"


class OrgUnitKind(StrEnum):
    """Levels of the organisation below a branch."""

    DEPARTMENT = "department"
    STATION = "station"
    TEAM = "team"


class SessionKind(StrEnum):
    """How somebody signed in."""

    BROWSER = "browser"
    API = "api"
    DEVICE = "device"


class DeviceState(StrEnum):
    """Whether a tablet may still speak; `wipe` asks it to erase itself after sealing what it has not sent."""

    ACTIVE = "active"
    REVOKED = "revoked"
    WIPE = "wipe"


class Branch(Record):
    """A utility's branch: the outer wall of all data."""

    __tablename__ = "branch"
    __table_args__ = (
        UniqueConstraint("code", name=BRANCH_CODE_TAKEN),
        CheckConstraint("map_credit <> ''", name="map_credit"),
        gist("branch", "boundary"),
    )

    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    timezone: Mapped[str] = mapped_column(default="Asia/Shanghai")
    boundary: Mapped[MultiPolygon | None] = mapped_column(Shape("MULTIPOLYGON"))
    synthetic: Mapped[bool] = mapped_column(default=False)
    map_credit: Mapped[str | None]  # whom its maps must name


class OrgUnit(Scoped):
    """A department, station or team."""

    __tablename__ = "org_unit"

    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("org_unit.id"))
    kind: Mapped[OrgUnitKind] = mapped_column(by_value(OrgUnitKind, name="kind"))
    name_zh: Mapped[str]
    name_en: Mapped[str]


class Person(Scoped):
    """Somebody who works for the branch. Without a login they are only a name on a roster."""

    __tablename__ = "person"
    __table_args__ = (
        UniqueConstraint("login", name=LOGIN_TAKEN),
        UniqueConstraint("branch_id", "staff_no", name=STAFF_NO_TAKEN),
    )

    org_unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("org_unit.id"))
    staff_no: Mapped[str]
    name: Mapped[str]
    name_en: Mapped[str]
    phone: Mapped[str | None]
    login: Mapped[str | None]
    password_hash: Mapped[str | None]
    locale: Mapped[str] = mapped_column(default="zh-CN")
    active: Mapped[bool] = mapped_column(default=True)


class Post(Scoped):
    """A post of the organisation (班长, 设计员, 审定工程师 …)."""

    __tablename__ = "post"
    __table_args__ = (UniqueConstraint("branch_id", "code"),)

    code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]


class PersonPost(Scoped):
    """Who holds a post, and since when."""

    __tablename__ = "person_post"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    post_id: Mapped[UUID] = mapped_column(ForeignKey("post.id"))
    since: Mapped[datetime]
    until: Mapped[datetime | None]


class RoleGrant(Scoped):
    """A person's role in a branch, their own or another."""

    __tablename__ = "role_grant"
    __table_args__ = (UniqueConstraint("person_id", "role", "branch_id", name=ROLE_GRANTED),)

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    role: Mapped[Role] = mapped_column(by_value(Role, name="role"))


class Device(Scoped):
    """A tablet, known by the public half of a key that never leaves it (P-256, JWK).

    How it fares (version, clock, what waits on it) the sync engine keeps, in `sync_device_state`.
    """

    __tablename__ = "device"
    __table_args__ = (
        UniqueConstraint("key_thumbprint", name=DEVICE_KEY_KNOWN),
        CheckConstraint("wiped_at IS NULL OR state = 'wipe'", name="wiped_at"),
    )

    name: Mapped[str]
    public_key: Mapped[dict[str, Any]]
    key_thumbprint: Mapped[str]
    state: Mapped[DeviceState] = mapped_column(by_value(DeviceState, name="state"))
    enrolled_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    enrolled_at: Mapped[datetime]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    last_seen_at: Mapped[datetime | None]
    wiped_at: Mapped[datetime | None]


class EnrolmentCode(Scoped):
    """A one-time code with which a tablet may enrol. Only its hash is kept."""

    __tablename__ = "enrolment_code"

    code_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    device_name: Mapped[str]
    made_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    device_id: Mapped[UUID | None] = mapped_column(ForeignKey("device.id"))


class SignedIn(Record):
    """A login: a browser's cookie, an integrator's token pair or a tablet's. Tokens are kept as SHA-256 only.

    Refresh tokens rotate by `generation`; they are derived from the secret key, so a tablet whose answer was lost
    gets the same next token again while a thief who replays an old one revokes the family.
    """

    __tablename__ = "session"
    __table_args__ = (Index("ix_session_access_hash", "access_hash", unique=True),)

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    kind: Mapped[SessionKind] = mapped_column(by_value(SessionKind, name="kind"))
    device_id: Mapped[UUID | None] = mapped_column(ForeignKey("device.id"), index=True)
    access_hash: Mapped[bytes] = mapped_column(LargeBinary)
    access_expires_at: Mapped[datetime]
    generation: Mapped[int] = mapped_column(default=0)
    refreshed_at: Mapped[datetime]
    started_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class GisKey(Scoped):
    """A password of its own for a GIS program, which reads maps and nothing else. Only its hash is kept.

    It stands in no `session`: no door but those for GIS programs looks here.
    """

    __tablename__ = "gis_key"
    __table_args__ = (
        UniqueConstraint("key_hash"),
        CheckConstraint("expires_at >= made_at AND expires_at <= made_at + interval '366 days'", name="expires_at"),
    )

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    name: Mapped[str]
    key_hash: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class LoginThrottle(Model):
    """Failed logins by account name or address, and until when the next try must wait."""

    __tablename__ = "login_throttle"

    subject: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    last_failure_at: Mapped[datetime]
    locked_until: Mapped[datetime | None]


class AuditEntry(Record):
    """Who saw or changed what. Append only."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_branch_id_at", "branch_id", "at"),)

    branch_id: Mapped[UUID | None] = mapped_column(ForeignKey("branch.id"))
    at: Mapped[datetime]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    device_id: Mapped[UUID | None]
    action: Mapped[str]
    entity: Mapped[str]
    entity_id: Mapped[UUID | None]
    detail: Mapped[dict[str, Any]]
