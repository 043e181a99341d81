"""The command line program, whatever lies on the path under our packages' names."""

import sys

import semibackward_bench


def main() -> int:
    """Run one command; the exit code."""
    from semibackward_bench import home

    home.stand_first()
    from bench import cli

    return cli.main()


if __name__ == "__main__":
    semibackward_bench.leave_current_folder()
    sys.exit(main())
