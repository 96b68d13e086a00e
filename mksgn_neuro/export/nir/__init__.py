"""The NIR graph: writer and reader."""
