"""What is fed from where, and how to cut a piece out: decisions over a network in arrays. No database, no clock."""
