"""The netx file: writer, reader, what lava-dl's stock loader makes of it, and that loader itself."""
