"""A store grown to a million events and more, and the same figures at each size."""
