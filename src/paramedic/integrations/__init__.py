"""Thin adapters to frameworks and loggers."""
