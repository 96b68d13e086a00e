"""Before any test imports torch: threads that wait actively make a busy machine many times slower, as cli.py says."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
