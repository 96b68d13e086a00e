"""A stream of skeletons as a page on this machine: what goes in, what the network makes of it, what it costs."""
