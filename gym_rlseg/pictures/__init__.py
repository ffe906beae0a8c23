"""Pictures of graphs, partitions, rewards and audits."""
