"""`python -m framewatch_server`."""

from framewatch_server.cli import main

if __name__ == "__main__":
    main()
