"""The ways to follow the ledger."""
