"""What may happen at the desk, to the server, to the link and to the time in a step."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from mobile_sync.simulation import shop
from mobile_sync.simulation.tablet_events import some
from mobile_sync.simulation.world import World


def desk_record(world: World) -> tuple[UUID, dict[str, Any] | None] | None:
    """A record and what the desk does to it."""
    ids = [rec_id for rec_id in world.house.known() if rec_id not in world.house.busy()]
    if not ids or world.rng.random() < 0.25:
        return world.new_id(), _desk_fields(world)
    rec_id = shop.wanted(world.rng, ids)
    return rec_id, None if world.rng.random() < 0.08 else _desk_fields(world)


def _desk_fields(world: World) -> dict[str, Any]:
    mark = world.new_mark()
    every: dict[str, Any] = {
        shop.TITLE[world.house.version]: f"T{mark}",
        "shelf": world.rng.choice(shop.SHELVES),
        "notice": world.rng.random() < 0.4,
        "log": f"L{mark}",
        "tags": [f"G{mark}"],
        "size": world.rng.randrange(100),
        "colour": f"C{mark}",
        "price": f"P{mark}",
        "seal": f"S{mark}",
        "state": world.rng.choice(list(shop.STEPS)),
        "answers.q0": f"A{mark}",
    }
    known = [name for name in every if shop.topic_of(name) in {*world.plan.topics, "notice"}]
    names = world.rng.sample(known, world.rng.randint(1, min(3, len(known))))
    return {name: every[name] for name in names}


def desk_writes(world: World) -> None:
    """In a transaction of its own."""
    if (doing := desk_record(world)) is not None:
        world.house.write(None, *doing)


def desk_takes_in_many(world: World) -> None:
    """What makes a tablet's first load a long one."""
    for _ in range(6):
        world.house.write(None, world.new_id(), _desk_fields(world))


def all_at_one_record(world: World) -> None:
    """Several people and the desk, none of whom has heard of the others."""
    ids = [rec_id for rec_id in world.house.known() if rec_id not in world.house.busy()]
    if not ids:
        return
    rec_id = shop.wanted(world.rng, ids)
    for device in world.devices:
        if f"{shop.ENTITY}/{rec_id}" in device.tablet.replica.docs and world.rng.random() < 0.7:
            world.person(device).changes(rec_id)
    if world.rng.random() < 0.6:
        world.house.write(None, rec_id, _desk_fields(world))


def desk_moves_to_and_fro(world: World) -> None:
    """A-B-A, in one transaction or in several (I9)."""
    world.note("moved A-B-A")
    found = desk_record(world)
    if found is None or found[1] is None:
        return
    first, second = world.rng.sample(shop.SHELVES, 2)
    tx = world.house.begin() if world.rng.random() < 0.5 else None
    for shelf in (first, second, first):
        world.house.write(tx, found[0], {"shelf": shelf})
    if tx is not None:
        world.house.end(tx, commit=True)


def desk_begins(world: World) -> None:
    """A transaction that stays open while others go on (I5)."""
    if len(world.open) < 2:
        tx = world.house.begin()
        world.open.append(tx)
        world.note("open transaction")
        for _ in range(world.rng.randint(1, 2)):
            if (doing := desk_record(world)) is not None:
                world.house.write(tx, *doing)


def desk_ends(world: World) -> None:
    """One of them."""
    if world.open:
        tx = world.open.pop(world.rng.randrange(len(world.open)))
        world.house.end(tx, commit=world.rng.random() < 0.8)


def desk_resolves(world: World) -> None:
    """A conflict, twice: the second time must be refused (I15)."""
    truth = world.house.truth()
    busy = {f"{shop.ENTITY}/{rec_id}" for rec_id in world.house.busy()}
    waiting = [one for one in truth.contests if one.state == "open" and one.key not in busy]
    if waiting:
        world.decide(world.rng.choice(sorted(waiting, key=lambda one: one.id)))


def desk_changes_scope(world: World) -> None:
    """Other buckets for a tablet; some go and come back (I9, I10)."""
    device = some(world)
    world.note("scope changed")
    world.give_scope(device, frozenset(world.rng.sample(shop.BUCKETS, world.rng.randint(0, len(shop.BUCKETS)))))


def desk_revokes(world: World) -> None:
    """A tablet is lost; never the first two."""
    if len(world.devices) > 2 and world.rng.random() < 0.3:
        world.note("device revoked")
        world.devices[-1].revoked = True
        world.house.revoke(world.devices[-1].id)


def server_will_die(world: World) -> None:
    """At some step of what it does next, or after it."""
    if world.plan.crashes:
        world.house.fuse.light(world.rng.randrange(40))


def database_will_give_up(world: World) -> None:
    """Deadlock, lost connection: a whole request fails."""
    world.house.trouble.light(world.rng.randrange(40))


def server_disk(world: World) -> None:
    """Where files are kept: full, or emptied."""
    world.house.full = not world.house.full and world.rng.random() < 0.5


def server_is_saved(world: World) -> None:
    """A backup."""
    if world.plan.restores:
        world.house.backup()
        world.saved = True


def server_is_restored(world: World) -> None:
    """From the last backup."""
    if world.plan.restores and world.saved and world.rng.random() < 0.5:
        world.note("server restored")
        world.open.clear()
        world.house.restore()
        world.watch.life_ends()
        world.restored += 1
        world.shared = {key: row.rev for key, row in world.house.truth().records.items()}
        while world.network.late and world.rng.random() < 0.5:  # what was sent to the life before
            world.network.arrive_late()


def server_is_upgraded(world: World) -> None:
    """While tablets speak the old version."""
    if world.plan.upgrades and not world.open and world.house.version < shop.NEWEST:
        world.note("schema upgrade")
        world.house.upgrade()


def server_tidies(world: World) -> None:
    """Old exits and half files (I21, I23)."""
    world.note("purge")
    patience = timedelta(days=world.rng.choice((2, 10, 10)))
    if patience < timedelta(days=3):
        world.clock.tick(days=3)  # it waits for nobody
    silent_since = world.clock() - patience
    for device in world.devices:
        heard = world.house.heard(device.id)
        world.forgotten[device.id] += heard is None or heard < silent_since
    world.house.purge(patience)


def link_fails(world: World) -> None:
    """No coverage for a tablet, or coverage again."""
    if world.plan.storms:
        world.network.cut_off ^= {some(world).id}


def link_delivers(world: World) -> None:
    """Something that was under way for long."""
    world.network.arrive_late()


def time_passes(world: World) -> None:
    """A night, or a month on a shelf."""
    world.clock.tick(days=world.rng.choice((1, 8, 40)) if world.plan.long_waits else 0, hours=9)
