"""Results for people, CI and agents."""
