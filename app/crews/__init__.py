"""Crews: who works together, in which vehicle, when they are on duty and where they are."""
