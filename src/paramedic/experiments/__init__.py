"""Replays on copies with one thing changed. An experiment that gives findings is a check in its own file."""
