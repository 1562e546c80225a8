"""The org that customers are read from, where one is configured."""

import structlog

from runtime.salesforce import SalesforceSession, SalesforceSettings
from runtime.settings import read
from services.ingest.salesforce.customer_map import CustomerMap

log = structlog.get_logger(__name__)


def connect(by: CustomerMap) -> SalesforceSession | None:
    """The org; None where the map names nothing, or where a setting is missing, which the log tells.

    Raises runtime.settings.BadSettings.
    """
    if by.is_off:
        return None
    org = read(SalesforceSettings).open(connections=1, reserve_share=by.reserve_share)
    if isinstance(org, str):
        log.warning("customers are not read from Salesforce", cause=org)
        return None
    return org
