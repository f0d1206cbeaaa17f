"""A device on the command line, for integrators and load tests: its state is one SQLite file, its input JSON lines."""
