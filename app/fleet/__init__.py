"""The fleet: how every tablet of a branch fares, and what came from it that nobody could judge.

What a tablet says of itself (SPEC W9) and what the sync engine keeps of it are read side by side; `rules.needs` says in
codes why somebody should look, and the list begins with the worst. Whoever may read the fleet sees figures, never what
was recorded; that takes REPAIR_OPS, and is noted in the trail.

    tablets(uow, wanted, *, sort, cursor, limit) -> Listed
    tablet(uow, device_id) -> Shown
        NotFound: none of that id in a branch whose fleet the actor reads.
    incidents(uow, device_id, *, limit) -> list[Incident]
        When what it holds did not add up (SPEC L16). NotFound.
    replay | repair | refuse(uow, device, op, …) -> list[Result]
        What the engine's `mobile_sync.repair` does with an op that waits (SPEC R), by somebody who vouches for it. The
        records are written by whoever made the op. OpSettled, Invalid.
"""
