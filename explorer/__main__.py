"""Start the command line: ``python -m explorer`` and the console script ``trace-explore``."""


def main() -> None:
    """Run the command line and exit with its code."""
    from explorer.cli import main as run

    run()


if __name__ == "__main__":
    main()
