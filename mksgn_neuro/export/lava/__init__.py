"""What runs inside Lava, in child processes and for Lava users; importing it imports Lava.

A folder of its own, because Lava imports every module that lies beside a process when it looks for its models.
"""

from mksgn_neuro.export.lava.compat import repair

repair()
