"""What the ledger needs of the world: keys that sign, places that keep checkpoints, and exports."""
