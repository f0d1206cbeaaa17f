"""Conflicts: what a tablet wrote and what the server holds differ, and a person decides.

The sync engine leaves both values in `sync_conflict` (SPEC M2, M6): theirs stands, mine is safe. This room shows both
with who wrote what, when and where, and writes the decision through the verbs of the record's own room, so that its
rules hold and its history goes on.

Who decides (`rules.may_settle`): dispatchers, and whom they hand a conflict to; of what no safety hangs on also team
leaders, and in the crew that has the job its leader and the author. A conflict travels to the tablets of that crew, of
the author and of the one it was handed to (`docs_of`, entity `conflict`), and stays three days after the decision.

    settle(uow, *, seen, take, value=None, reason=None) -> list[UUID]
        One decision for one or many conflicts. NotFound, Forbidden, ConflictSettled, PreconditionFailed, TwoAnswers,
        CannotWrite, and what the record's own verb refuses.
    settle_as_seen(uow, *, conflict_id, saw, take, value=None, reason=None) -> int
        The same verb from a tablet, perhaps hours later: what counts is whether the two values still stand. MovedOn.
    raise_alarm(uow, *, ids) -> None · acknowledge(uow, *, conflict_id) -> None
        Of what is about safety (policy `never`): persistent at the desk until somebody acknowledges or settles it.
        NotFound, Forbidden, NoAlarm.
    owners_of(uow, *, conflict_id) -> list
        Who could decide it. NotFound, Forbidden.
    hand_over(uow, *, conflict_id, person_id, due_at) -> None
        Whose it is, and until when. NotFound, Forbidden, UnknownPerson, ConflictSettled.
"""
