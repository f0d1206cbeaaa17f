"""The end of a run: all links heal, everybody syncs until nothing moves, and then everything must be in its place."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from uuid import UUID

from mobile_sync.outbox import Stage
from mobile_sync.simulation.faults import Violation
from mobile_sync.simulation.history import check_history
from mobile_sync.simulation.ledgers import check_ledger
from mobile_sync.simulation.live import lasting
from mobile_sync.simulation.shop import BUCKETS
from mobile_sync.simulation.truth import Truth
from mobile_sync.simulation.world import World
from mobile_sync.tablet import Tablet

_ROUNDS = 8


def finish(world: World) -> Truth:
    """Heal, settle, compare; the truth it ended in."""
    heal(world)
    settle(world)
    world.convoy.arrive_again(world)
    truth = world.house.truth()
    check_replicas(world, truth)
    check_buckets(world, truth)
    check_ledger(world, truth)
    check_history(world, truth)
    check_blobs(world, truth)
    return truth


def heal(world: World) -> None:
    """Faults stop; what is under way arrives; what is open ends."""
    world.say("all heals")
    world.plan.page = max(world.plan.page, 50)
    world.plan.chunk = 200
    world.house.full = False
    world.network.weather.clear()
    world.network.cut_off.clear()
    world.house.fuse.left = world.house.trouble.left = None
    for device in world.devices:
        device.disk.full = False
        device.fuse.left = None
    for tx in world.open:
        world.house.end(tx, commit=True)
    world.open.clear()
    while world.network.late:
        world.network.arrive_late()
    world.convoy.arrive(world)


def settle(world: World) -> None:
    """A3: everything drains in a few rounds, whatever has happened."""
    world.tally.checks["A3"] += 1
    for _ in range(_ROUNDS):
        world.clock.tick(seconds=1)
        done = [world.syncs(device) for device in world.devices]
        if all(done) and not any(_unsettled(world, index) for index in range(len(world.devices))):
            break
    else:
        stuck = [index for index in range(len(world.devices)) if _unsettled(world, index)]
        raise Violation("A3", f"tablets {stuck} do not settle; the last round went {done}")
    for device in world.devices:
        world.pulls(device)


def _unsettled(world: World, index: int) -> bool:
    device = world.devices[index]
    pending = any(entry.stage is Stage.PENDING for entry in device.tablet.outbox.entries)
    return pending or not (device.revoked or (device.tablet.safe_to_leave and not device.corrupted))


def check_replicas(world: World, truth: Truth) -> None:
    """I3, I8: a grown replica is what a fresh one would be, and both are the truth."""
    for device in world.devices:
        if device.revoked:
            continue
        world.tally.checks["I3"] += 1
        fresh = Tablet(device.link, device.clock, snapshot=device.tablet.snapshot)
        fresh.pull(limit=world.plan.page)
        grown = device.tablet.replica
        if (fresh.replica.docs, fresh.replica.members) != (grown.docs, grown.members):
            raise Violation("I3", f"a fresh device holds {fresh.replica.docs}, this one {grown.docs}")
        live = truth.live(world.watch.scopes[device.id])
        if {key: one["rev"] for key, one in grown.docs.items()} != {key: row.rev for key, row in live.items()}:
            raise Violation("I1", f"{sorted(grown.docs)} is not the truth {sorted(live)}")
        world.tally.checks["L16"] += bool(device.tablet.kept.incidents)
        if lasting(device):
            raise Violation("L16", f"all adds up, and {sorted(lasting(device))} are said not to")


def check_buckets(world: World, truth: Truth) -> None:
    """I7: each record is in exactly the buckets its predicate says."""
    world.tally.checks["I7"] += 1
    for bucket in BUCKETS:
        wanted = {key for key, row in truth.records.items() if bucket in row.buckets}
        if truth.members.get(bucket, frozenset()) != wanted:
            raise Violation("I7", f"{bucket} holds {sorted(truth.members.get(bucket, ()))}, not {sorted(wanted)}")


def check_blobs(world: World, truth: Truth) -> None:
    """I18–I21: no wrong file, nothing uncounted, one blob a content, nothing half left of the revoked."""
    world.tally.checks.update(("I18", "I19"))
    world.house.check_contents()
    named = {sha256 for _, _, sha256 in truth.declared}
    owners = Counter(sha256 for sha256, _ in {(sha256, owner) for (_, _, sha256), owner in truth.declared.items()})
    world.tally.checks["I20"] += sum(times > 1 for times in owners.values())  # one key, one content, several senders
    if not named <= truth.blobs.keys():
        raise Violation("I19", f"declared and not counted: {sorted(named - truth.blobs.keys())}")
    for sha256, state in truth.blobs.items():
        if (state == "verified") != (sha256 in truth.contents):
            raise Violation("I19", f"{sha256} is called {state}, and the content is {sha256 in truth.contents}")
    lost = {device.id for device in world.devices if device.revoked}
    _check_nothing_missing(world, truth, lost)
    if lost:
        world.tally.checks["I21"] += 1
        world.clock.tick(days=8)
        world.house.purge(timedelta(days=400))
        after = world.house.truth()
        if "partial" in after.blobs.values() or set(after.contents) != set(truth.contents):
            raise Violation("I21", f"after the purge: {after.blobs}")


def _check_nothing_missing(world: World, truth: Truth, lost: set[UUID]) -> None:
    """What a living device declared is here. A restored server may miss originals that were given up long before."""
    given_up = world.restored and world.plan.long_waits
    for (key, slot, sha256), owner in truth.declared.items():
        if truth.blobs[sha256] != "verified" and owner not in lost and not given_up:
            raise Violation("I19", f"{key} {slot}: {sha256} is still missing")
