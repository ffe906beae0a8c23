"""A run: its config, its folder, its training and its report."""
