"""The branch's street graph, and distances and times along it.

`service.travel_times(uow, branch_id)` answers the branch's engine, a `travel.TravelTimes`: matrices, ways, isochrones,
by vehicle and hour (`profiles`). `service.travel_to` is the one of one place and many who go there.

The default engine, `edge_times.EdgeTimes`, needs no service outside. `ground` holds the segments and finds where points
meet them; `metric` costs them and searches; `dissection` and `hierarchy` answer many points at once; `isochrones` draws
what is reached. `remote` asks a routing server of one's own instead, where a setting names one. `rules` has what a cost
is and what is estimated. Streets are read once a process and again when they change.
"""
