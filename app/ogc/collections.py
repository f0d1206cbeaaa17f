"""The collections: what each holds, who may see it, what may be asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, bindparam, case, cast, exists, func, select
from sqlalchemy.types import NullType

from app.crews.models import Crew, CrewPosition, Shift
from app.customers.models import Premises
from app.demands.models import Demand
from app.jobs.models import Assignment, Job
from app.kernel.actor import Permission
from app.kernel.db import UtcDateTime
from app.map.sources import flat
from app.network.models import LinkKind, NetworkLink, NetworkNode
from app.outages.models import Outage

NOW = bindparam("now", type_=UtcDateTime())  # of the unit of work
SWITCHGEAR = (LinkKind.BREAKER, LinkKind.SWITCH, LinkKind.TIE_SWITCH, LinkKind.VALVE)


@dataclass(frozen=True)
class Collection:
    """Features of one kind. `shape` is a geography column, which has the index; `drawn` what is shown of it.

    `properties` by name; those in `exact` may be asked for by value. `begins` and `ends` tell when a feature was so.
    `joined` are outer joins; `only` leaves rows out; `tiles` are the vector layers that show the same.
    """

    title_zh: str
    title_en: str
    permission: Permission
    model: Any
    shape: Any
    properties: Mapping[str, Any]
    exact: frozenset[str]
    tiles: tuple[str, ...]
    drawn: ColumnElement[Any] | None = None
    begins: Any = None
    ends: Any = None
    joined: tuple[tuple[Any, Any], ...] = ()
    only: tuple[ColumnElement[bool], ...] = ()
    description_zh: str = field(default="")
    description_en: str = field(default="")

    def title(self, language: str) -> str:
        """In `zh-CN` or `en`."""
        return self.title_zh if language.startswith("zh") else self.title_en

    def description(self, language: str) -> str:
        """In `zh-CN` or `en`."""
        return self.description_zh if language.startswith("zh") else self.description_en

    @property
    def geometry(self) -> ColumnElement[Any]:
        """What is shown, as geometry in WGS 84."""
        return flat(self.shape) if self.drawn is None else self.drawn


_HELD = and_(Assignment.job_id == Job.id, Assignment.ended_at.is_(None))
_LIVE = and_(Assignment.crew_id == Crew.id, Assignment.ended_at.is_(None), Assignment.live)
_ON_DUTY = exists().where(Shift.crew_id == Crew.id, Shift.starts_at <= NOW, Shift.ends_at > NOW)
_MIDDLE = func.ST_LineInterpolatePoint(flat(NetworkLink.path), 0.5, type_=NullType())
_LINK = {
    "commodity": NetworkLink.commodity,
    "kind": NetworkLink.kind,
    "code": NetworkLink.code,
    "name": NetworkLink.name,
    "feeder": NetworkLink.feeder_code,
    "ownership": NetworkLink.ownership,
    "state": NetworkLink.state,
    "normal_state": NetworkLink.normal_state,
}

COLLECTIONS: dict[str, Collection] = {
    "jobs": Collection(
        "工单",
        "Jobs",
        Permission.READ_ALL_JOBS,
        Job,
        Job.location,
        {
            "number": Job.number,
            "kind": Job.kind,
            "state": Job.state,
            "priority": Job.priority,
            "address": Job.address,
            "crew": Crew.code,
            "outage_id": cast(Job.outage_id, Text),
            "opened_at": Job.opened_at,
            "due_at": Job.due_at,
            "completed_at": Job.completed_at,
        },
        frozenset({"number", "kind", "state", "priority", "crew"}),
        ("jobs",),
        begins=Job.opened_at,
        ends=Job.completed_at,
        joined=((Assignment, _HELD), (Crew, Crew.id == Assignment.crew_id)),
        only=(Job.deleted_at.is_(None),),
        description_zh="全部工单，包括已完成的；时间为受理至完成",
        description_en="All jobs, done ones too; their time is from report to completion",
    ),
    "crews": Collection(
        "班组",
        "Crews",
        Permission.READ_ALL_JOBS,
        Crew,
        CrewPosition.location,
        {
            "code": Crew.code,
            "name_zh": Crew.name_zh,
            "name_en": Crew.name_en,
            "kind": Crew.kind,
            "state": case((Assignment.job_id.is_not(None), "busy"), (_ON_DUTY, "free"), else_="off"),
            "job_id": cast(Assignment.job_id, Text),
            "at": CrewPosition.at,
        },
        frozenset({"code", "kind"}),
        ("crews",),
        begins=CrewPosition.at,
        ends=CrewPosition.at,
        joined=((CrewPosition, CrewPosition.crew_id == Crew.id), (Assignment, _LIVE)),
        only=(Crew.deleted_at.is_(None),),
        description_zh="班组及其最近位置；从未报告位置的班组没有几何",
        description_en="Crews where they were last heard from; a crew never heard from has no geometry",
    ),
    "outages": Collection(
        "停电停气事件",
        "Outages",
        Permission.READ_ALL_JOBS,
        Outage,
        Outage.location,
        {
            "number": Outage.number,
            "commodity": Outage.commodity,
            "state": Outage.state,
            "cause": Outage.cause,
            "calls": select(func.count()).where(Demand.outage_id == Outage.id).scalar_subquery(),
            "opened_at": Outage.opened_at,
            "restored_at": Outage.restored_at,
            "closed_at": Outage.closed_at,
        },
        frozenset({"number", "commodity", "state"}),
        ("outages",),
        begins=Outage.opened_at,
        ends=func.coalesce(Outage.restored_at, Outage.closed_at),
        only=(Outage.deleted_at.is_(None),),
        description_zh="全部事件，包括已恢复的；时间为发生至恢复",
        description_en="All outages, ended ones too; their time is from report to restoration",
    ),
    "network-nodes": Collection(
        "管网节点",
        "Network nodes",
        Permission.READ_MAP,
        NetworkNode,
        NetworkNode.location,
        {
            "commodity": NetworkNode.commodity,
            "kind": NetworkNode.kind,
            "code": NetworkNode.code,
            "name": NetworkNode.name,
            "feeder": NetworkNode.feeder_code,
            "ownership": NetworkNode.ownership,
        },
        frozenset({"commodity", "kind", "code", "feeder", "ownership"}),
        ("power", "gas"),
        description_zh="变电站、配变、接户点、门站、调压站、立管等",
        description_en="Substations, transformers, service points, gate stations, regulators, risers",
    ),
    "network-links": Collection(
        "线路与管道",
        "Network links",
        Permission.READ_MAP,
        NetworkLink,
        NetworkLink.path,
        {**_LINK, "length_m": NetworkLink.length_m},
        frozenset({"commodity", "kind", "code", "feeder", "ownership", "state"}),
        ("power", "gas"),
        description_zh="架空线、电缆、干管、支管等，以及作为连接的开关和阀门",
        description_en="Lines, cables, mains and pipes, and the switches and valves that join them",
    ),
    "switchgear": Collection(
        "开关与阀门",
        "Switches and valves",
        Permission.READ_MAP,
        NetworkLink,
        NetworkLink.path,
        {**_LINK, "usable": NetworkLink.usable},
        frozenset({"commodity", "kind", "code", "feeder", "state"}),
        ("power", "gas"),
        drawn=_MIDDLE,
        only=(NetworkLink.kind.in_(SWITCHGEAR),),
        description_zh="断路器、开关、联络开关和阀门，以点表示",
        description_en="Breakers, switches, tie switches and valves, as points",
    ),
    "premises": Collection(
        "用户地址",
        "Premises",
        Permission.READ_MAP,
        Premises,
        Premises.location,
        {
            "code": Premises.code,
            "address": Premises.address,
            "address_en": Premises.address_en,
            "area_kind": Premises.area_kind,
        },
        frozenset({"code", "area_kind"}),
        ("premises",),
        description_zh="供应地点；不含用户姓名和电话",
        description_en="Supplied places; no customer's name or telephone",
    ),
}
