"""What may happen in a step, and how often: tablets, the desk, the link, the server."""

from __future__ import annotations

from collections.abc import Callable

from mobile_sync.simulation.faults import Died
from mobile_sync.simulation.house_events import (
    all_at_one_record,
    database_will_give_up,
    desk_begins,
    desk_changes_scope,
    desk_ends,
    desk_moves_to_and_fro,
    desk_resolves,
    desk_revokes,
    desk_takes_in_many,
    desk_writes,
    link_delivers,
    link_fails,
    server_disk,
    server_is_restored,
    server_is_saved,
    server_is_upgraded,
    server_tidies,
    server_will_die,
    time_passes,
)
from mobile_sync.simulation.tablet_events import (
    bundle_is_handed_in,
    receipt_comes_back,
    tablet_app_is_upgraded,
    tablet_begins_anew,
    tablet_clock_jumps,
    tablet_disk,
    tablet_row_rots,
    tablet_seals,
    tablet_syncs,
    tablet_works,
)
from mobile_sync.simulation.world import World

Event = Callable[[World], None]

EVENTS: dict[Event, int] = {
    tablet_works: 22,
    tablet_syncs: 26,
    tablet_clock_jumps: 1,
    tablet_disk: 2,
    tablet_app_is_upgraded: 2,
    tablet_row_rots: 3,
    tablet_begins_anew: 3,
    tablet_seals: 1,
    bundle_is_handed_in: 2,
    receipt_comes_back: 1,
    desk_writes: 10,
    desk_takes_in_many: 1,
    all_at_one_record: 8,
    desk_moves_to_and_fro: 2,
    desk_begins: 3,
    desk_ends: 4,
    desk_resolves: 3,
    desk_changes_scope: 3,
    desk_revokes: 1,
    server_will_die: 5,
    database_will_give_up: 2,
    server_is_saved: 2,
    server_is_restored: 2,
    server_is_upgraded: 3,
    server_tidies: 2,
    server_disk: 2,
    link_fails: 4,
    link_delivers: 2,
    time_passes: 2,
}
STRESSES: dict[str, dict[Event, int]] = {
    "none": {},
    "restores": {server_is_saved: 4, server_is_restored: 4, time_passes: 3, link_delivers: 4},
    "purges": {server_tidies: 8, desk_moves_to_and_fro: 3, desk_changes_scope: 2, desk_begins: 2},
    "losses": {desk_revokes: 15},
    "clocks": {tablet_clock_jumps: 10, desk_writes: 2},
    "arrivals": {
        tablet_begins_anew: 9,
        desk_takes_in_many: 9,
        server_will_die: 5,
        database_will_give_up: 5,
        tablet_disk: 0,
    },
    "convoys": {
        **{tablet_seals: 8, bundle_is_handed_in: 6, receipt_comes_back: 4},
        **{server_is_saved: 4, server_is_restored: 4, time_passes: 4},
    },
    "crashes": {server_will_die: 5, database_will_give_up: 3, link_delivers: 3, desk_changes_scope: 4},
}


def weights(stress: str) -> list[int]:
    """How often each event happens in a run that is about something."""
    return [weight * STRESSES[stress].get(event, 1) for event, weight in EVENTS.items()]


_EVENTS = list(EVENTS)
_WEIGHTS = {stress: weights(stress) for stress in STRESSES}


def happen(world: World) -> None:
    """One step."""
    event = world.rng.choices(_EVENTS, _WEIGHTS[world.plan.stress])[0]
    world.clock.tick(seconds=world.rng.randint(1, 5))
    world.tally.steps += 1
    world.say(f"{world.tally.steps}. {event.__name__}")
    try:
        event(world)
    except (Died, ConnectionError) as error:  # under the desk: tablets see this as a broken link
        world.tally.faults["server died"] += isinstance(error, Died)
