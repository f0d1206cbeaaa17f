"""The branch's street graph, and distances and times along it.

`service.travel_to(uow, branch_id=…, target=…, origins=…)` answers for any number of origins with one search backwards
from the target. The graph of a branch is read once a process and read again when its streets change; see `rules` for
how points meet the graph and what is estimated.
"""
