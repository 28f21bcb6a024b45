"""Checks of the article's section on training."""
