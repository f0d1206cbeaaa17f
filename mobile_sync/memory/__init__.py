"""A whole server in memory under the same engine as the real one: for tests, simulations, and to keep it honest."""
