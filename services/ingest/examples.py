"""One good body for each operation, shown in the OpenAPI document. Pure."""

from pydantic import JsonValue


def examples() -> dict[str, dict[str, JsonValue]]:
    """One good body for each operation, shown in the OpenAPI document."""
    return {
        "ResponseInput": {
            "source_id": "crm-48151",
            "metric": "nps",
            "score": 3,
            "comment": "Exports fail since the last release.",
            "responded_at": "2026-11-20T09:30:00+01:00",
            "respondent": {"customer_id": "c-1042", "email": "dana@customer.example"},
            "account_id": "a-77",
            "program": "relationship",
            "channel": "email",
        },
        "LifecycleEventInput": {
            "source_id": "order-2217",
            "moment": "purchased",
            "occurred_at": "2026-10-20T08:00:00Z",
            "customer_id": "c-1042",
            "account_id": "a-77",
            "context": {"plan": "team"},
        },
        "ProfileInput": {
            "email": "dana@customer.example",
            "name": "Dana Whitfield",
            "language": "en",
            "time_zone": "Europe/London",
            "account_id": "a-77",
            "role": "key_contact",
            "segment": "enterprise",
        },
        "IdentifiedProfileInput": {
            "customer_id": "c-1042",
            "email": "dana@customer.example",
            "name": "Dana Whitfield",
            "same_as": [{"visitor_id": "v-7d1"}],
        },
        "AccountInput": {
            "name": "Whitfield Logistics",
            "owner_email": "sam@company.example",
            "csm_email": "kim@company.example",
            "segment": "enterprise",
            "arr": 48000,
            "currency": "EUR",
            "renewal_date": "2027-03-01",
        },
        "IdentifiedAccountInput": {
            "account_id": "a-77",
            "name": "Whitfield Logistics",
            "csm_email": "kim@company.example",
            "traits": {"plan": "team"},
        },
    }
