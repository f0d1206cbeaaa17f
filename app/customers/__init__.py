"""Places, premises, parties and accounts: where supply goes and who has the contract."""
