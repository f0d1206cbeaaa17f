"""The day as numbers, who may judge it, and who makes plans of it. Pure: no database, no Flask, no clock.

`model` is what everybody here speaks: crews, visits, pins, prices, plans; whole seconds from the problem's own epoch,
places as rows of an int32 travel matrix. `check.judge(problem, plan)` is the only judge: it recomputes every rule and
every price from the plan's times and imports no solver. Nothing is shown or booked that it has not passed.

Words: a *visit* is one job on one day; a *stop* is one crew's part in it (two crews, two stops); a visit is *left out*
when nobody makes it that day; it is *dropped* when it was promised for the day and left out all the same.
"""
