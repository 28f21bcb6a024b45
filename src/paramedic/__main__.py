"""``python -m paramedic`` is the command ``paramedic``."""

from paramedic.cli.main import main

if __name__ == "__main__":
    main()
