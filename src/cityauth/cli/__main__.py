"""``python -m cityauth.cli``: the same as ``cityauth``."""

from cityauth.cli import main

if __name__ == "__main__":
    main()
