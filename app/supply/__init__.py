"""Supply: whom an outage cut off, how they come back in stages, and what is promised them meanwhile.

`confirming.confirm` names the device that failed; the accounts behind it, by the network as it is switched at that
moment, are without supply since the outage's first evidence (`reliability.Interruption`). `stages` ends interruptions:
by a switching that feeds some again (`follow_switching`, a task), or by somebody's word (`state_restored`). Each time
is a stage of its own, of exactly those accounts; a switching that is undone takes its stage back. An outage is
restored when nobody remains without supply; while somebody does, the jobs' word alone does not make it so.

`contacts` is the list of whom to call, life support first, with what came of each call.
"""
