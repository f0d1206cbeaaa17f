"""Outages: several calls, one cause, one job.

`service.take_call(uow, *, call, join)` logs a call (`demands.service.Call`) and joins it to an outage: `"auto"` to the
open outage near it that is about the same thing (`rules.same_fault`) or a new one, `"new"` to a new one, or to the
outage named. A new outage opens one job.

`service.follow_jobs` lets an outage follow its jobs: restored when all are, closed when all are done. It runs as a task
after each step of such a job and may run any number of times.

`predict.predict(forest, evidence)` names the devices that most probably failed, from calls, meters and crews' findings
on the network as it is fed (`evidence.Forest`, `evidence.Evidence`). Pure; nothing is stored.
`causes.probable_causes` asks it of the calls about a branch's open outages as they stand; `merging.merge` makes the
outages one that a dispatcher sees to have one cause, `merging.unmerge` takes that back.
"""
