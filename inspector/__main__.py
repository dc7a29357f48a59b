"""`python -m inspector`, and what the installed command `inspector` starts."""

INTERRUPTED = 130


def main() -> None:
    """Run the command line; Ctrl-C while it is still being loaded ends it without a word."""
    try:
        from inspector.app.service import die_with_parent  # noqa: PLC0415 - loading takes seconds, see above

        die_with_parent()
        from inspector.app.cli import main as run  # noqa: PLC0415 - as above
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    run()


if __name__ == "__main__":
    main()
