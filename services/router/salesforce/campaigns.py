"""Campaign membership of people who may be asked for something."""

from simple_salesforce.exceptions import SalesforceError

from runtime.salesforce import code_of
from services.router.destination import Call, Delivered, Failed, JsonObject, Operation, Result, Skipped
from services.router.salesforce import queries
from services.router.salesforce.contents import CampaignContent
from services.router.salesforce.org import Org, is_record_id
from services.router.salesforce.org_map import EFFECT_ID

_KEY_PREFIX = "701"


def deliver(org: Org, call: Call, content: CampaignContent) -> Result:
    """Make the person a member. A membership has no words to bring up to date; withdrawn, it is deleted."""
    if call.operation is Operation.RETRACT:
        # Somebody who was a member before we came stays one.
        for member in org.carrying("CampaignMember", str(call.effect_id)):
            org.objects("CampaignMember").delete(member)
        return Delivered(call.external_id)
    if call.external_id is not None:
        return Delivered(call.external_id)
    wanted = org.map.campaigns.get(content.campaign, content.campaign)
    is_id = wanted.startswith(_KEY_PREFIX) and is_record_id(wanted)
    campaign = wanted if is_id else org.names.only(org.client, queries.campaigns(wanted))
    if campaign is None:
        return Failed("the org has no Campaign of this name, or several")
    match = org.match(content)
    if match.contact_id is None:
        return Skipped("several contacts match" if match.candidates else "no contact matches")
    fields: JsonObject = {"CampaignId": campaign, "ContactId": match.contact_id}
    try:
        member = org.upsert("CampaignMember", EFFECT_ID, str(call.effect_id), fields)
    except SalesforceError as error:
        if code_of(error) not in {"DUPLICATE_VALUE", "INVALID_FIELD_FOR_INSERT_UPDATE"}:
            raise
        # A member already, by our own lost call or by somebody else's hand.
        rows = org.client.query(queries.members(campaign, match.contact_id))["records"]
        if not rows:
            raise
        member = str(rows[0]["Id"])
    return Delivered(member)
