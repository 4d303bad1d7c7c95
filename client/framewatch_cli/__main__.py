"""`python -m framewatch_cli`: the same as `framewatch`."""

from framewatch_cli.app import main

if __name__ == "__main__":
    main()
