"""Who acts, and what they may do where."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from app.kernel.problems import Forbidden, NotFound


class Permission(StrEnum):
    """One verb's right. Roles are bundles of these (identity.rules)."""

    READ_MAP = "read_map"  # what stands still; what moves takes READ_ALL_JOBS
    READ_ALL_JOBS = "read_all_jobs"
    WORK_JOBS = "work_jobs"
    TAKE_CALLS = "take_calls"
    EDIT_JOBS = "edit_jobs"
    DISPATCH = "dispatch"
    MANAGE_CREWS = "manage_crews"  # where a crew serves
    SETTLE_CONFLICTS = "settle_conflicts"  # of other people's records too; those about safety take DISPATCH
    READ_CUSTOMERS = "read_customers"
    READ_STAFF = "read_staff"
    MANAGE_DEVICES = "manage_devices"
    MANAGE_PEOPLE = "manage_people"
    READ_FLEET = "read_fleet"  # how tablets fare; what waits in them takes REPAIR_OPS
    REPAIR_OPS = "repair_ops"
    READ_RELIABILITY = "read_reliability"
    READ_AUDIT = "read_audit"


@dataclass(frozen=True)
class Actor:
    """The person behind a request, a device or a task.

    `grants` holds permissions by branch. The system itself (tasks, command line) acts with `everything=True`.
    A revoked tablet may only deliver what it holds, which lands in quarantine.
    """

    person_id: UUID | None
    grants: dict[UUID, frozenset[Permission]] = field(default_factory=dict)
    roles: frozenset[str] = frozenset()
    home_branch_id: UUID | None = None
    session_id: UUID | None = None
    device_id: UUID | None = None
    device_revoked: bool = False
    device_wipe: bool = False
    locale: str = "zh-CN"
    everything: bool = False

    def may(self, permission: Permission, branch_id: UUID) -> bool:
        """Whether this permission holds in this branch."""
        return self.everything or permission in self.grants.get(branch_id, frozenset())

    def must(self, permission: Permission, branch_id: UUID) -> None:
        """Refuse what is not allowed; a foreign branch's things do not exist.

        Raises:
            NotFound: the actor has no grant at all in the branch.
            Forbidden: the actor works in the branch but lacks this permission.
        """
        if self.may(permission, branch_id):
            return
        if branch_id not in self.grants:
            raise NotFound
        raise Forbidden(permission=permission.value)

    def must_somewhere(self, permission: Permission) -> list[UUID]:
        """The branches where this permission holds, at least one.

        Raises:
            Forbidden: it holds nowhere.
        """
        branches = self.branches_with(permission)
        if not branches and not self.everything:
            raise Forbidden(permission=permission.value)
        return branches

    def branches_with(self, permission: Permission) -> list[UUID]:
        """The branches in which this permission holds."""
        return [branch for branch, granted in self.grants.items() if permission in granted]

    @property
    def branch_ids(self) -> list[UUID]:
        """Every branch in which the actor has any grant."""
        return list(self.grants)

    @property
    def scope(self) -> list[UUID]:
        """The branches whose rows are there at all for this actor: of the grants, and the one they belong to."""
        return [*self.grants, *(branch for branch in (self.home_branch_id,) if branch)]


NOBODY = Actor(person_id=None)
SYSTEM = Actor(person_id=None, everything=True)
