"""Numbers about gradients, weights and the course of training."""
