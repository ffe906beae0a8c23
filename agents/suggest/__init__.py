"""From a look at images to a config for them."""
