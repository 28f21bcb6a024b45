"""Remedies as patches: rewrites of the user's own file, one file per kind."""
