"""Conflicts: what a tablet wrote and what the server holds differ, and a person decides.

The sync engine leaves both values in `sync_conflict` (SPEC M2, M6): theirs stands, mine is safe. This room shows both
with who wrote what, when and where, and writes the decision through the verbs of the record's own room, so that its
rules hold and its history goes on.

    settle(uow, *, seen, take, value=None, reason=None) -> list[UUID]
        One decision for one or many conflicts. NotFound, Forbidden, ConflictSettled, PreconditionFailed, TwoAnswers,
        CannotWrite, and what the record's own verb refuses.
    hand_over(uow, *, conflict_id, person_id, due_at) -> None
        Whose it is, and until when. NotFound, Forbidden, UnknownPerson, ConflictSettled.
"""
