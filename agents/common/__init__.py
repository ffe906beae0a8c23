"""What all agents share: the loop's reports, checkpoints, selection, threads."""
