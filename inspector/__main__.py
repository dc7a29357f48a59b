"""`python -m inspector`."""

from inspector.app.cli import main

if __name__ == "__main__":
    main()
