"""What agents on superpixel graphs share: batches, the policy network, training, checkpoints."""
