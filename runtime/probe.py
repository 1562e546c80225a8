"""`python -m runtime.probe URL`: 0 when the URL answers 200, else 1 and why. Images need no curl for it."""

import sys
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

_TIMEOUT_SECONDS = 4


def main(arguments: list[str]) -> int:
    """Entry point."""
    try:
        with urlopen(arguments[0], timeout=_TIMEOUT_SECONDS):  # noqa: S310 - the operator's own URL
            return 0
    except HTTPError as error:
        sys.stderr.write(f"{error.code} {error.read(2000).decode(errors='replace')}\n")
    except (URLError, TimeoutError, ConnectionError) as error:
        sys.stderr.write(f"{error}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
