"""Deterministic simulation: tablets, a bad network and a server that dies, from one seed, checked at every step."""
