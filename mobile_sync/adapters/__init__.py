"""The engine's plugs: a ledger in PostgreSQL, routes on flask-smorest, files in a folder."""
