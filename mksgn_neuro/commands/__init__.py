"""One click command per file; cli.py joins them."""
