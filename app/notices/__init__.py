"""Notices: what customers are told of an outage, by the channel they asked for, and what became of it.

`service.plan` writes down what is to be said now (a task after each change of an outage's supply, which may run any
number of times): that supply is lost, when it is expected back, that this has changed, that it is back. Nobody is told
twice of one stage: a unique constraint says so, not this code. `sending.send_due` hands what is due to the channel's
carrier, tries again what failed, and leaves what has become untrue unsaid. `carriers` names what a channel must do.

`bulletin` is what anybody may read (`public`, the page `/outages`): by area, never whose.
"""
