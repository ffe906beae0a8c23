"""From images to label images with a trained run."""
