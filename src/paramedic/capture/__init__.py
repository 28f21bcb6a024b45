"""From program to trace and set-up: the only package that patches anything, and it undoes it."""
