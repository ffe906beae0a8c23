"""A segmented graph, and the search for a better one."""
