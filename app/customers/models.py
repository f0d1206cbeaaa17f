"""Tables of customers. A premises is a place, a party a person or firm, an account a contract."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from shapely.geometry import MultiPolygon, Point
from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Scoped, by_value, gist
from app.kernel.geo import Shape


class PlaceKind(StrEnum):
    """Areas, from the sub-district (街道) down to the estate (小区)."""

    SUB_DISTRICT = "sub_district"
    COMMUNITY = "community"
    ESTATE = "estate"
    VILLAGE = "village"
    INDUSTRIAL_PARK = "industrial_park"
    WATER = "water"
    HILLS = "hills"


class AreaKind(StrEnum):
    """Which arrival promise applies (standard limits 2.1.1, 2.1.3)."""

    CITY = "city"
    RURAL = "rural"
    REMOTE = "remote"


class PartyKind(StrEnum):
    """A person or an organisation."""

    PERSON = "person"
    ORGANISATION = "organisation"


class Service(StrEnum):
    """What the account buys."""

    POWER = "power"
    GAS = "gas"


class CustomerClass(StrEnum):
    """Classification 1, by residence and person."""

    PREMIUM = "premium"
    DEMANDING = "demanding"
    ORDINARY = "ordinary"
    SPECIAL = "special"


class GasClass(StrEnum):
    """Classification 2, by safety behaviour of gas customers."""

    HIGH = "high"
    MEDIUM = "medium"
    ORDINARY = "ordinary"


class Tier(StrEnum):
    """Service tier."""

    STANDARD = "standard"
    PLUS = "plus"
    KEY = "key"
    VIP = "vip"


class NeedKind(StrEnum):
    """Why a customer needs more support. Restricted view."""

    LIFE_SUPPORT = "life_support"
    LONE_ELDER = "lone_elder"
    DISABLED = "disabled"
    TENANT = "tenant"
    REMOTE = "remote"
    IMPORTANT_LEVEL_1 = "important_level_1"
    IMPORTANT_LEVEL_2 = "important_level_2"


class NoticeChannel(StrEnum):
    """How somebody wants to be told of an outage."""

    SMS = "sms"
    WECHAT = "wechat"
    EMAIL = "email"


class Place(Scoped):
    """A named area with its outline."""

    __tablename__ = "place"
    __table_args__ = (UniqueConstraint("id", "branch_id"), gist("place", "boundary"))

    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("place.id"))
    kind: Mapped[PlaceKind] = mapped_column(by_value(PlaceKind, name="kind"))
    name_zh: Mapped[str]
    name_en: Mapped[str]
    boundary: Mapped[MultiPolygon] = mapped_column(Shape("MULTIPOLYGON"))


class Premises(Scoped):
    """A place that is supplied: a flat, a shop, a factory."""

    __tablename__ = "premises"
    __table_args__ = (
        UniqueConstraint("branch_id", "code"),
        gist("premises", "location"),
        Index(
            "ix_premises_branch_id_initials", "branch_id", "initials", postgresql_ops={"initials": "text_pattern_ops"}
        ),
        # Trigrams know no word of two characters, which most Chinese words are.
        Index("ix_premises_bigrams", text("bigrams(address, address_en)"), postgresql_using="gin"),
    )

    code: Mapped[str]
    place_id: Mapped[UUID | None] = mapped_column(ForeignKey("place.id"))
    address: Mapped[str]
    address_en: Mapped[str | None]
    initials: Mapped[str]
    location: Mapped[Point] = mapped_column(Shape("POINT"))
    area_kind: Mapped[AreaKind] = mapped_column(by_value(AreaKind, name="area_kind"))
    service_node_id: Mapped[UUID | None] = mapped_column(ForeignKey("network_node.id"), index=True)
    riser_node_id: Mapped[UUID | None] = mapped_column(ForeignKey("network_node.id"), index=True)


class Party(Scoped):
    """A person or organisation that holds accounts. Told of outages by `notice_channel`, if they consented to that."""

    __tablename__ = "party"
    __table_args__ = (
        Index("ix_party_branch_id_phone", "branch_id", "phone"),
        Index("ix_party_branch_id_initials", "branch_id", "initials", postgresql_ops={"initials": "text_pattern_ops"}),
        Index("ix_party_branch_id_name", "branch_id", "name", postgresql_ops={"name": "text_pattern_ops"}),
        Index(
            "ix_party_phone_end",
            func.reverse(text("phone")).label("backwards"),
            postgresql_ops={"backwards": "text_pattern_ops"},
        ),
        CheckConstraint("(notice_channel IS NULL) = (notice_consent_at IS NULL)", name="notices_by_consent"),
    )

    kind: Mapped[PartyKind] = mapped_column(by_value(PartyKind, name="kind"))
    name: Mapped[str]
    phone: Mapped[str | None]
    initials: Mapped[str]
    notice_channel: Mapped[NoticeChannel | None] = mapped_column(by_value(NoticeChannel, name="notice_channel"))
    notice_consent_at: Mapped[datetime | None]
    notice_locale: Mapped[str | None]


class Account(Scoped):
    """A contract for one service at one premises. `stopped_on`: since when supply is withheld, billing knows why."""

    __tablename__ = "account"
    __table_args__ = (
        UniqueConstraint("branch_id", "number"),
        Index("ix_account_number_prefix", "branch_id", "number", postgresql_ops={"number": "text_pattern_ops"}),
        CheckConstraint("stopped_on >= opened_on", name="stopped_after_opened"),
    )

    number: Mapped[str]
    premises_id: Mapped[UUID] = mapped_column(ForeignKey("premises.id"), index=True)
    party_id: Mapped[UUID] = mapped_column(ForeignKey("party.id"), index=True)
    service: Mapped[Service] = mapped_column(by_value(Service, name="service"))
    customer_class: Mapped[CustomerClass] = mapped_column(by_value(CustomerClass, name="customer_class"))
    gas_class: Mapped[GasClass | None] = mapped_column(by_value(GasClass, name="gas_class"))
    tier: Mapped[Tier] = mapped_column(by_value(Tier, name="tier"))
    opened_on: Mapped[date]
    stopped_on: Mapped[date | None]


class SpecialNeed(Scoped):
    """Why somebody needs more support, with consent and an end. Never shown beyond those who need it."""

    __tablename__ = "special_need"

    party_id: Mapped[UUID] = mapped_column(ForeignKey("party.id"), index=True)
    kind: Mapped[NeedKind] = mapped_column(by_value(NeedKind, name="kind"))
    consented_at: Mapped[datetime | None]
    valid_until: Mapped[datetime | None]
