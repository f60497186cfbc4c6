"""Array mathematics that methods share: pure functions and kernels, no files."""
