"""Skeleton data: readers, modalities, transforms, synthetic motion."""
