"""Verbs of OGC API - Features: permission, scope, then features as PostGIS wrote them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.identity.queries.people import branches
from app.kernel.paging import decode_cursor, encode_cursor, uuid_key
from app.kernel.problems import FieldError, Invalid, NotFound
from app.kernel.unit_of_work import UnitOfWork
from app.ogc import queries, rules
from app.ogc.collections import COLLECTIONS, Collection
from app.ogc.errors import BadParameter, UnknownCollection
from app.ogc.queries import Asked
from app.ogc.rules import Crs

PAGE_MOST = 5_000


@dataclass(frozen=True)
class Found:
    """A page: features as GeoJSON text, how many there are in all (on the first page), where the next begins."""

    features: Sequence[str]
    matched: int | None
    next: str | None
    crs: Crs


def seen(uow: UnitOfWork) -> dict[str, Collection]:
    """The collections of which the caller may see anything."""
    return {name: one for name, one in COLLECTIONS.items() if uow.actor.branches_with(one.permission)}


def collection_of(name: str) -> Collection:
    """A collection by its name.

    Raises:
        UnknownCollection
    """
    found = COLLECTIONS.get(name)
    if found is None:
        raise UnknownCollection(collection=name, collections=list(COLLECTIONS))
    return found


def extent(uow: UnitOfWork, collection: Collection) -> list[float] | None:
    """West, south, east, north of the branches in which the caller sees the collection.

    Raises:
        Forbidden: they see it nowhere.
    """
    boxes = [one.bbox for one in branches(uow.session, uow.actor.must_somewhere(collection.permission)) if one.bbox]
    if not boxes:
        return None
    west, south, east, north = zip(*boxes, strict=True)
    return [min(west), min(south), max(east), max(north)]


def items(uow: UnitOfWork, name: str, args: dict[str, Any]) -> Found:
    """A page of a collection's features. `args` as `schemas.ItemsArgs` gives them.

    Raises:
        UnknownCollection, Forbidden
        BadParameter: a box, time, reference system or cursor that cannot be read; a property it does not have.
    """
    collection = collection_of(name)
    crs = rules.crs_of(args.get("crs"), "crs")
    asked = Asked(
        branches=tuple(sorted(uow.actor.must_somewhere(collection.permission))),
        now=uow.now,
        boxes=rules.boxes_of(args.get("bbox"), rules.crs_of(args.get("bbox_crs"), "bbox-crs")),
        span=rules.span_of(args.get("datetime")),
        exact=_exact(collection, args["exact"]),
    )
    after, limit = _after(args.get("cursor")), min(args["limit"], PAGE_MOST)
    rows = queries.page(uow.session, collection, asked, after=after, limit=limit, crs=crs)
    return Found(
        features=[feature for _, feature in rows[:limit]],
        matched=queries.matched(uow.session, collection, asked) if after is None else None,
        next=encode_cursor(rows[limit - 1][0]) if len(rows) > limit else None,
        crs=crs,
    )


def _exact(collection: Collection, wanted: dict[str, str]) -> dict[str, str]:
    for name in wanted:
        if name not in collection.exact:
            raise BadParameter(FieldError(name, "unknown_field", {"choices": sorted(collection.exact)}))
    return wanted


def _after(cursor: str | None) -> UUID | None:
    try:
        keys = decode_cursor(cursor, keys=1)
        return None if keys is None else uuid_key(keys[0])
    except Invalid as error:
        raise BadParameter(FieldError("cursor", "invalid")) from error


def feature(uow: UnitOfWork, name: str, feature_id: UUID, crs_uri: str | None) -> tuple[str, Crs]:
    """One feature as GeoJSON text, and the reference system it is in.

    Raises:
        UnknownCollection, Forbidden, BadParameter
        NotFound: no such feature in the caller's branches.
    """
    collection = collection_of(name)
    crs = rules.crs_of(crs_uri, "crs")
    asked = Asked(tuple(sorted(uow.actor.must_somewhere(collection.permission))), uow.now)
    found = queries.one(uow.session, collection, asked, feature_id, crs)
    if found is None:
        raise NotFound
    return found, crs
