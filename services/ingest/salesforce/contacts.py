"""What contacts say of people, deleted and merged ones too. Pure."""

from collections.abc import Collection, Mapping, Sequence

from services.ingest.inputs import ProfileInput
from services.ingest.persons import Statement, contact_identifier, contact_statement
from services.ingest.salesforce.reading import Reading


def said_of_contacts(
    readings: Sequence[Reading[ProfileInput]],
    *,
    was: Mapping[str, str | None],
    elsewhere: Collection[str],
    secret: bytes,
) -> dict[str, Statement]:
    """What each record says, by its id; one that says nothing is left out.

    A merged record says that two people are one. Any other deleted record takes its person out of the
    account, if it brought them in: `was` are the person keys of deleted records as they were taken before,
    `elsewhere` those of them that other records of the org still stand for.
    """
    said: dict[str, Statement] = {}
    for reading in readings:
        if reading.is_deleted and (one := _of_deleted(reading, was, elsewhere, secret)):
            said[reading.record_id] = one
    for reading in readings:
        if reading.is_deleted or reading.body is None:
            continue
        # After the deleted ones: of two records of one person, the one that is there counts.
        if one := contact_statement(reading.body, reading.our_id, secret):
            said[reading.record_id] = one
    return said


def _of_deleted(
    reading: Reading[ProfileInput], was: Mapping[str, str | None], elsewhere: Collection[str], secret: bytes
) -> Statement | None:
    if reading.body is None:
        return None
    if reading.master is not None:
        who = contact_identifier(*reading.master, secret)
        merged = contact_identifier(reading.our_id, reading.body.email, secret)
        if who is None or merged is None or who == merged:
            return None
        return Statement(reading.master.our_id, who, None, same=(merged,), from_salesforce=True)
    key = was.get(reading.record_id)
    if key is None or key in elsewhere:
        return None
    return contact_statement(reading.body, reading.our_id, secret)
