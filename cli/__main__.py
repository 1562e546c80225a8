"""`python -m cli`: the `feedback` command without an installation."""

from cli.app import main

main()
