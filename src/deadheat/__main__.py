"""``python -m deadheat``: the same as the ``deadheat`` command."""

from deadheat.cli import main

if __name__ == "__main__":
    main()
