"""Networks that see pixels."""
