"""Pure functions: recorded tensors to numbers."""
