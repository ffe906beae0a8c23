"""One weight per edge of a superpixel graph, one step an episode."""
