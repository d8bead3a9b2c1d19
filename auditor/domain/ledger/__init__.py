"""The ledger as mathematics: the Merkle log of RFC 9162 and the checkpoints that sign it. Pure."""
