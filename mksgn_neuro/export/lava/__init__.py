"""What runs inside Lava, imported by child processes and Lava users only.

A folder of its own, because Lava imports every module that lies beside a process when it looks for its models.
"""
