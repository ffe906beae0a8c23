"""The command `rlseg`."""
