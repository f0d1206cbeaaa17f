"""What may happen to a tablet in a step."""

from __future__ import annotations

from mobile_sync.simulation.convoy import OFFICE
from mobile_sync.simulation.device import SimDevice
from mobile_sync.simulation.live import check_outbox
from mobile_sync.simulation.world import World


def some(world: World) -> SimDevice:
    """Any of them."""
    return world.rng.choice(world.devices)


def tablet_works(world: World) -> None:
    """Some entries."""
    device = some(world)
    for _ in range(world.rng.choice((1, 1, 2, 4))):
        world.person(device).works()
        check_outbox(device, world.clock.at, world.tally)


def tablet_syncs(world: World) -> None:
    """Everything, or one part of it; it may die at any step of it."""
    _sync(world, some(world))


def _sync(world: World, device: SimDevice) -> None:
    if world.rng.random() < world.plan.crashes:
        device.fuse.light(world.rng.randrange(14))
    what = world.rng.choices((world.syncs, world.pushes, world.pulls, world.uploads), (6, 2, 2, 1))[0]
    went = what(device)
    device.fuse.left = None
    world.say(f"  {what.__name__} of {world.devices.index(device)}: {'done' if went else 'broken off'}")


def tablet_clock_jumps(world: World) -> None:
    """Somebody sets it. Where clocks do not jump all else is the same, so that the two can be compared (I25)."""
    device, error = some(world), world.odd_error()
    if world.plan.clocks == "jumping":
        world.note("clock jump")
        world.set_clock(device.clock, error)


def tablet_disk(world: World) -> None:
    """Full, or emptied."""
    disk = some(world).disk
    disk.full = not disk.full and world.rng.random() < 0.5


def tablet_app_is_upgraded(world: World) -> None:
    """To what the server speaks, with ops of the old version still waiting."""
    some(world).upgrade(world.house.version)


def tablet_begins_anew(world: World) -> None:
    """Like a new one, but for its outbox."""
    device = some(world)
    if device.attempt(device.begin_anew):
        _sync(world, device)


def tablet_row_rots(world: World) -> None:
    """A row of the replica."""
    device = some(world)
    if not device.revoked:
        device.corrupt(world.rng)


def tablet_seals(world: World) -> None:
    """For somebody to take along; often it has just heard of the server, and sends nothing before."""
    device = some(world)
    if not device.revoked and world.rng.random() < 0.5:
        device.attempt(lambda: device.tablet.pull(limit=world.plan.page))
    world.convoy.seal(world, device)


def bundle_is_handed_in(world: World) -> None:
    """Any of them, perhaps not for the first time, by another tablet, by its own or by the office."""
    if world.convoy.bundles:
        courier = world.rng.choice([OFFICE, *(device.id for device in world.devices)])
        world.convoy.hand_in(world, world.rng.choice(world.convoy.bundles), courier)


def receipt_comes_back(world: World) -> None:
    """Some days after, or never."""
    if world.convoy.receipts:
        at = world.rng.randrange(len(world.convoy.receipts))
        world.convoy.bring_back(world, *world.convoy.receipts.pop(at))
