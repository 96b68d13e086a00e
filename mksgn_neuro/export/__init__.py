"""Writers and readers of netx, Lava, SLAYER and NIR."""
