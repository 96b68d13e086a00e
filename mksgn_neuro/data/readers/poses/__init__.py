"""Recordings by format: one module each, with `FORMAT`; `data.formats` has them all."""
