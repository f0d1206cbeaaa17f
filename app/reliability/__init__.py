"""Reliability: how often and how long customers are without supply, by IEEE 1366 and DL/T 836.

What is kept is interruption × account (`models.Interruption`): who was without supply from when until when, so that
restoration by stages needs nothing of its own and every index is derived, live, from the same rows. `rules` holds the
formulae; `queries` sums the same by day in the database.
"""
