"""Prices, the budget of a folder, the ledger of a day."""
