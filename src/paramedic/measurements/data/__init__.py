"""Measurements on the data itself: rows, labels, order, statistics of samples."""
