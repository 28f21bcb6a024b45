"""The program of ``paramedic demo``."""
