"""python -m mksgn_neuro: the command line."""

from mksgn_neuro.cli import main

if __name__ == "__main__":
    main()
