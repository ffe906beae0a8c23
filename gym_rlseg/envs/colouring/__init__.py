"""One bit per pixel and step; what the bits make up is a colouring, and its components objects."""
