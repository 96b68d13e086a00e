"""What is made of lava-dl's SLAYER blocks; importing these modules imports lava-dl (see `export.slayer`)."""
