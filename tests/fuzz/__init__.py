import os

# numba's OpenMP pool ends a forked child by SIGTERM as soon as it is used there; its own pool does not.
os.environ.setdefault("NUMBA_THREADING_LAYER", "workqueue")
