"""`python -m framewatch_client`: the same as `framewatch`."""

from framewatch_client.cli import main

if __name__ == "__main__":
    main()
