"""Checks of the article's section on implementation."""
