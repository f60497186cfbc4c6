"""What computes signals from examples: so far, vectors from images."""
