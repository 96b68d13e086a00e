"""What commands do, without the command line: each step from a file or a request to a result."""
