"""The same network on other people's simulators, side by side: `make bench-peers`."""
