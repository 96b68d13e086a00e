"""What this program does to the machine that it shares: child processes, temporary folders, memory, locks."""
