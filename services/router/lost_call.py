"""What it means for a delivery that its call ended without an answer."""

from runtime.kept_alive import NOBODY_THERE, cause_of
from services.router.destination import Ambiguous, Retry


def lost(error: OSError) -> Retry | Ambiguous:
    """Only a call that found nobody to talk to surely changed nothing."""
    cause = cause_of(error)
    return Retry(cause) if cause in NOBODY_THERE else Ambiguous(cause)
