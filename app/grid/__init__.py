"""The networks at work: what is fed from where, what cuts a piece out of it, and who threw which switch.

`service.trace` follows the supply down, up or between two points; `service.isolation` says which devices part a fault
or leak from the rest, who is dark then and, for power, how others are fed meanwhile; `service.operate` throws a switch
or valve and writes the log; `service.undo` puts it back. A network is held in memory by branch and commodity as arrays
(`rules.wiring`, `rules.feeding`) and read again when its edition in the database is another (app/decisions/0017).

Words: *down* is what loses supply without a thing, *up* the way to its source, a *section* what usable devices can cut
out (gas: valves; power: breakers and switches), *beyond* who loses supply with a section though not in it.
"""
