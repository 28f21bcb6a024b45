"""Evidence to ranking to remedies."""
