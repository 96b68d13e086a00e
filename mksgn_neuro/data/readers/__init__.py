"""One reader per format of recorded clips."""
