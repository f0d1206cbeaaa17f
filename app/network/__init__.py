"""The power and gas networks: what is connected to what, and what can be opened or shut."""
