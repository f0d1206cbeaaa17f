"""Bundles on their way: sealed at any time, brought by anybody, late, twice, in another life (SPEC.md V)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from mobile_sync.bundle import MIME
from mobile_sync.simulation.device import SimDevice
from mobile_sync.simulation.faults import Violation
from mobile_sync.simulation.house import Call
from mobile_sync.simulation.live import check_outbox, final_marks
from mobile_sync.unsent import unsent_files, unsent_header, unsent_ops
from mobile_sync.wire import write_time

if TYPE_CHECKING:
    from mobile_sync.simulation.world import World

OFFICE = UUID(int=1)


@dataclass
class Convoy:
    """What couriers have, and never throw away: bundles, and receipts that nobody has brought back."""

    bundles: list[bytes] = field(default_factory=list)
    receipts: list[tuple[SimDevice, Mapping[str, Any]]] = field(default_factory=list)

    def seal(self, world: World, device: SimDevice) -> None:
        """Everything that it has not sent."""
        tablet = device.tablet
        ops, files = unsent_ops(tablet.kept), unsent_files(tablet.kept, 1_000)
        if tablet.kept.life is None or (not ops and not files):
            return
        made = write_time(device.clock())
        header = unsent_header(tablet.kept, str(device.id), None, tablet.schema_version, made, ops, files)
        self.bundles.append(world.house.seal(header, ops, device.disk.content))
        world.note("bundle sealed")
        world.say(f"  {world.devices.index(device)} seals ops {header.first_op} to {header.last_op} of {header.epoch}")

    def hand_in(self, world: World, bundle: bytes, courier: UUID) -> None:
        """By whoever has a link; the copy stays with the courier."""
        try:
            answer = world.network.carry(courier, Call("POST", "bundles", bundle, {"Content-Type": MIME}))
            claims = world.house.receipt(answer.body) if answer.status == 200 else None
        except (ConnectionError, TimeoutError, ValueError):
            return
        if claims is None:
            world.note("bundle refused")
            return
        world.note("bundle taken")
        device = next(one for one in world.devices if str(one.id) == claims["device_id"])
        self.receipts.append((device, claims))

    def bring_back(self, world: World, device: SimDevice, claims: Mapping[str, Any]) -> None:
        """A receipt. It tells less of an op than the answer to a push (V8)."""
        before = final_marks(device)
        if device.attempt(lambda: device.tablet.take_receipt(claims)):
            world.note("receipt brought back")
        settled = final_marks(device) - before
        device.by_receipt |= settled
        device.final_since.update(dict.fromkeys(settled, datetime.fromisoformat(claims["server_at"])))
        check_outbox(device, world.clock.at, world.tally)

    def arrive(self, world: World) -> None:
        """Everything that is still on its way."""
        for bundle in self.bundles:
            self.hand_in(world, bundle, OFFICE)
        for device, claims in self.receipts:
            self.bring_back(world, device, claims)
        self.receipts.clear()

    def arrive_again(self, world: World) -> None:
        """V1: where everything has been sent, no bundle of old adds anything."""
        before = [world.house.taken(device.id) for device in world.devices]
        for bundle in self.bundles:
            world.tally.checks["V1"] += 1
            self.hand_in(world, bundle, OFFICE)
        after = [world.house.taken(device.id) for device in world.devices]
        if before != after:
            raise Violation("V1", f"the ledgers had {before} ops; bundles from before made that {after}")
