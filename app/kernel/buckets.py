"""The names of buckets: which records a tablet or a live screen holds together."""

from __future__ import annotations

from uuid import UUID


def crew_key(crew_id: UUID) -> str:
    """The bucket of a crew's work."""
    return f"crew:{crew_id}"


def catalog_key(branch_id: UUID) -> str:
    """The bucket of a branch's forms."""
    return f"catalog:{branch_id}"


def region_key(place_id: UUID) -> str:
    """The bucket of what is amiss in a sub-district."""
    return f"region:{place_id}"


def user_key(person_id: UUID) -> str:
    """The bucket of what is one person's."""
    return f"user:{person_id}"


def live_key(branch_id: UUID) -> str:
    """The bucket that live screens follow."""
    return f"live:{branch_id}"
