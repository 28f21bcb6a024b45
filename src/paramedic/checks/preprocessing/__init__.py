"""Checks of the article's section on preprocessing."""
