"""Files of all kinds as arrays."""
