"""What is recorded of a run: the stored trace, and the live set-up that experiments replay."""
