"""Planning: who goes where tomorrow, as a proposal that a dispatcher takes whole, in part, or not at all.

`service.propose(uow, branch_id, day)` writes a plan that waits; a task collects the branch's day as numbers
(`inputs`), lets a process of its own solve them (`solving`), notes how far it is, and leaves one line for every visit:
new, moved, kept or refused, with the reason. Nothing is booked by it. `service.accept` books chosen lines through the
verbs of dispatch, whose rules and constraints stay the judge: what no longer fits is told and left as it is.

A plan keeps its inputs, their hash, engine, seed and rounds: the same row gives the same plan (`service.repeat`).
"""
