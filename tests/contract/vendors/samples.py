"""What each vendor sends: the documented body, a later change of the same answer, and how it is signed.

The bodies have the form of the sources that each vendor's module cites; people and texts are made up.
"""

import hmac
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha1, sha256
from typing import Any
from urllib.parse import urlencode

from standardwebhooks import Webhook

from schemas.scales import Metric
from services.ingest.sources import Configured
from services.ingest.vendor import Call
from services.ingest.vendors import vendors

SECRET = "whsec_" + b64encode(b"of these tests, and of nothing else").decode()
OTHER_SECRET = "whsec_" + b64encode(b"the one before").decode()

Body = Any
"""JSON as Python has it."""

Sign = Callable[[bytes, str, datetime], dict[str, str]]


def _standard(body: bytes, secret: str, at: datetime) -> dict[str, str]:
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", at, body.decode()),
    }


def _token(_body: bytes, secret: str, _at: datetime) -> dict[str, str]:
    return {"x-webhook-token": secret}


def _hex(header: str, prefix: str, digest: Callable[..., Any]) -> Sign:
    return lambda body, secret, _at: {header: prefix + hmac.new(secret.encode(), body, digest).hexdigest()}


def _base64(header: str, prefix: str, digest: Callable[..., Any]) -> Sign:
    return lambda body, secret, _at: {
        header: prefix + b64encode(hmac.new(secret.encode(), body, digest).digest()).decode()
    }


@dataclass(frozen=True)
class Sample:
    """`says` is what the answer of `body` must hold; `changed` is the same answer later, with the score 2."""

    body: Body
    changed: Body
    says: Mapping[str, object]
    sign: Sign
    signs_body: bool = True
    signs_time: bool = False
    settings: Mapping[str, object] = field(default_factory=dict)
    fetched: Body = None
    fetched_changed: Body = None
    form: str | None = None
    comment: tuple[str | int, ...] = ()
    """Where the comment stands, to put other words there; in what is fetched, if there is such."""

    def source(self, vendor: str, secrets: tuple[str, ...] = (SECRET,)) -> Configured:
        given = {"vendor": vendor, "secrets": ["a_secret"], "metric": "nps", **self.settings}
        module = vendors()[vendor]
        return Configured("tests", module.source.model_validate(given), module, secrets)

    def call(
        self, body: Body = None, *, secret: str = SECRET, at: datetime | None = None, form: bool = False
    ) -> Call:
        given = self.body if body is None else body
        raw = given.encode() if isinstance(given, str) else json.dumps(given).encode()
        kind = "application/x-www-form-urlencoded" if form else "application/json"
        return Call({"content-type": kind, **self.sign(raw, secret, at or datetime.now(UTC))}, raw)


def with_value(body: Body, path: tuple[str | int, ...], value: object) -> Body:
    """The body with another value at the path."""
    copy = json.loads(json.dumps(body))
    inner = copy
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return copy


AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
LATER = AT + timedelta(minutes=10)
_AT_TEXT, _LATER_TEXT = "2026-11-20T09:30:00.000Z", "2026-11-20T09:40:00.000Z"
_AT, _LATER = int(AT.timestamp()), int(LATER.timestamp())
SAID = "Die Übersicht fehlt mir 🙂 — مرحبا"

_DELIGHTED = {
    "event_type": "survey_response.created",
    "event_id": "b8d057c59327541d7ec2104c0a9a255ad1997fb00831b9c6bbf09561e6d5cbd0",
    "event_data": {
        "id": "5435",
        "person": {"id": "5975", "email": "dana@customer.example", "name": "Dana", "created_at": _AT - 60},
        "survey_type": "nps",
        "score": 9,
        "comment": SAID,
        "permalink": "https://app.delighted.com/r/5pFDpmlyC8GUc5oxU6USto5VonSKAqOa",
        "created_at": _AT,
        "updated_at": _AT,
        "person_properties": None,
        "notes": [],
        "tags": [],
        "additional_answers": [],
    },
}
_TYPEFORM = {
    "event_id": "01EK4R5PFZZP6C8H14RTP4YW6C",
    "event_type": "form_response_partial",
    "form_response": {
        "form_id": "g8hcyeXS",
        "token": "x71for1wr6irs2rx71fotn12b3izh25v",
        "landed_at": "2026-11-20T09:29:00Z",
        "submitted_at": "2026-11-20T09:30:00Z",
        "hidden": {"customer_id": "c-1042", "email": "dana@customer.example"},
        "calculated": {"score": 0},
        "definition": {
            "id": "g8hcyeXS",
            "title": "Feedback",
            "fields": [
                {"id": "M8JLOd0nIQPU", "title": "How likely?", "type": "opinion_scale", "ref": "likely"},
                {"id": "K9aaOd0nIQPZ", "title": "Why?", "type": "long_text", "ref": "why"},
            ],
        },
        "answers": [
            {
                "type": "number",
                "number": 9,
                "field": {"id": "M8JLOd0nIQPU", "type": "opinion_scale", "ref": "likely"},
            },
            {
                "type": "text",
                "text": SAID,
                "field": {"id": "K9aaOd0nIQPZ", "type": "long_text", "ref": "why"},
            },
        ],
    },
}
_WOOTRIC = {
    "response": {
        "id": 1128,
        "email": "dana@customer.example",
        "external_id": "c-1042",
        "score": 9,
        "text": SAID,
        "ip_address": "127.0.0.1",
        "origin_url": "https://customer.example/",
        "end_user_id": 30,
        "end_user_properties": {"pricing_plan": "Enterprise"},
        "survey_id": 1146,
        "created_at": "2026-11-20T01:30:00.000-08:00",
        "updated_at": "2026-11-20T01:30:00.000-08:00",
        "excluded_from_calculations": False,
    },
    "event_name": "created",
    "timestamp": "2026-11-20T01:30:05.329-08:00",
    "account_token": "NPS-xxxxxxxx",
    "survey_mode": "NPS",
}
_PENDO = {
    "app": {"id": -323232, "name": "application", "platform": "web"},
    "accountId": "a-77",
    "subscription": {"id": 4802463602049999, "name": "application"},
    "userAgent": "Mozilla/5.0",
    "event": "npsSubmitted",
    "properties": {
        "guideId": "Kg92trd4yOzpDb2inI5eTOdcR0U",
        "language": "en-US",
        "nps": {"rating": 9, "reason": SAID, "source": "in-app"},
    },
    "timestamp": _AT,
    "visitorId": "visitor-1",
    "uniqueId": "f9610795860d89fe29491846fe297bcc922e460b",
}
_QUALAROO = {
    "answered_questions": {
        "201": {"question_id": 201, "question_type": "nps", "question_title": "How likely?", "answer": "9"},
        "202": {"question_id": 202, "question_type": "text", "question_title": "Why?", "answer": SAID},
    },
    "identity": "dana@customer.example",
    "anon_visitor_id": "visitor-1",
    "nudge_name": "NPS on the dashboard",
    "time": "2026-11-20 09:30:00 UTC",
    "page": "https://customer.example/",
    "properties_plan": "team",
}
_ASKNICELY = {
    "count": 1,
    "person": {
        "id": "163012",
        "name": "Dana",
        "email": "dana@customer.example",
        "created": str(_AT - 60),
        "segment": "general",
    },
    "question": {
        "id": "345094",
        "score": "9",
        "comment": SAID,
        "sent": str(_AT - 30),
        "opened": str(_AT - 10),
        "responded": str(_AT),
        "deliverymethod": "email",
    },
}
_FORMBRICKS = [
    {
        "webhookId": "cljwxvjos0003qhnvj2jg4k5i",
        "event": "responseCreated",
        "data": {
            "id": "cljwy2m8r0001qhclco1godnu",
            "createdAt": _AT_TEXT,
            "updatedAt": _AT_TEXT,
            "surveyId": "survey-1",
            "contact": {"id": "contact-1", "userId": "c-1042"},
            "contactAttributes": {"email": "dana@customer.example"},
            "finished": False,
            "data": {"likely": 9, "why": SAID},
            "variables": {},
            "tags": [],
            "language": "en",
            "meta": {"url": "https://customer.example/"},
        },
    }
]
_SURVEYMONKEY = {
    "name": "Answers",
    "filter_type": "survey",
    "filter_id": "123456789",
    "event_type": "response_completed",
    "event_id": "10027615842",
    "object_type": "response",
    "object_id": "987654321",
    "event_datetime": "2026-11-20T09:30:00.000000+00:00",
    "resources": {"survey_id": "123456789", "collector_id": "1", "respondent_id": "987654321"},
}
_SURVEYMONKEY_DETAILS = {
    "id": "987654321",
    "recipient_id": "777888999",
    "collection_mode": "default",
    "response_status": "completed",
    "custom_variables": {"customer_id": "c-1042"},
    "date_created": "2026-11-20T09:30:00+00:00",
    "date_modified": "2026-11-20T09:30:00+00:00",
    "metadata": {"contact": {"email": {"type": "string", "value": "dana@customer.example"}}},
    "pages": [
        {
            "id": "1",
            "questions": [
                {
                    "id": "11",
                    "answers": [{"choice_id": "9", "choice_metadata": {"weight": "9"}, "simple_text": "9"}],
                },
                {"id": "12", "answers": [{"text": SAID, "simple_text": SAID}]},
            ],
        }
    ],
}
_GENERIC = {
    "type": "rating",
    "data": {
        "id": 77,
        "rating": {"value": "9", "remark": SAID},
        "changed": _AT_TEXT,
        "user": {"id": "c-1042", "mail": "dana@customer.example"},
        "case": 5001,
        "removed": False,
    },
}

_DANA = {"email": "dana@customer.example", "comment": SAID, "score": 9, "responded_at": AT}
_REVISED = {"revision": _AT * 1000}

SAMPLES: dict[str, Sample] = {
    "delighted": Sample(
        body=_DELIGHTED,
        changed=with_value(
            with_value({**_DELIGHTED, "event_id": "another"}, ("event_data", "score"), 2),
            ("event_data", "updated_at"),
            _LATER,
        ),
        says={**_DANA, **_REVISED, "source_id": "5435", "name": "Dana", "metric": Metric.NPS},
        sign=_hex("x-delighted-webhook-signature", "sha256=", sha256),
        comment=("event_data", "comment"),
    ),
    "typeform": Sample(
        body=_TYPEFORM,
        changed=with_value(
            with_value(
                with_value(_TYPEFORM, ("form_response", "answers", 0, "number"), 2),
                ("event_type",),
                "form_response",
            ),
            ("event_id",),
            "another",
        ),
        says={**_DANA, "revision": 0, "customer_id": "c-1042", "provisional": True},
        sign=_base64("typeform-signature", "sha256=", sha256),
        comment=("form_response", "answers", 1, "text"),
    ),
    "wootric": Sample(
        body=_WOOTRIC,
        changed=with_value(
            with_value(_WOOTRIC, ("response", "score"), 2),
            ("response", "updated_at"),
            "2026-11-20T01:40:00.000-08:00",
        ),
        says={**_DANA, **_REVISED, "source_id": "1128", "customer_id": "c-1042", "metric": Metric.NPS},
        sign=_hex("x-wootric-signature", "sha1=", sha1),
        form=urlencode(
            {
                "response[id]": 1128,
                "response[email]": "dana@customer.example",
                "response[external_id]": "c-1042",
                "response[score]": 9,
                "response[text]": SAID,
                "response[end_user_properties][pricing_plan]": "Enterprise",
                "response[created_at]": "2026-11-20 01:30:00 -0800",
                "response[updated_at]": "2026-11-20 01:30:00 -0800",
                "response[excluded_from_calculations]": "false",
                "event_name": "created",
                "survey_mode": "NPS",
            }
        ),
        comment=("response", "text"),
    ),
    "pendo": Sample(
        body=_PENDO,
        changed=with_value(_PENDO, ("properties", "nps", "rating"), 2),
        says={"score": 9, "comment": SAID, "responded_at": AT, "visitor_id": "visitor-1", "revision": None},
        sign=_hex("x-pendo-signature", "", sha256),
        comment=("properties", "nps", "reason"),
    ),
    "qualaroo": Sample(
        body=_QUALAROO,
        changed=with_value(_QUALAROO, ("answered_questions", "201", "answer"), "2"),
        says={**_DANA, "revision": None},
        sign=_token,
        signs_body=False,
        comment=("answered_questions", "202", "answer"),
    ),
    "asknicely": Sample(
        body=_ASKNICELY,
        changed=with_value(with_value(_ASKNICELY, ("count",), 2), ("question", "score"), "2"),
        says={**_DANA, "revision": 1, "source_id": "345094", "name": "Dana"},
        sign=_token,
        signs_body=False,
        comment=("question", "comment"),
    ),
    "formbricks": Sample(
        body=_FORMBRICKS,
        changed=with_value(
            with_value(_FORMBRICKS, (0, "data", "data", "likely"), 2), (0, "data", "updatedAt"), _LATER_TEXT
        ),
        says={**_DANA, **_REVISED, "customer_id": "c-1042", "provisional": True},
        sign=_standard,
        signs_time=True,
        settings={"score": "likely", "comment": "why"},
        comment=(0, "data", "data", "why"),
    ),
    "surveymonkey": Sample(
        body=_SURVEYMONKEY,
        changed={**_SURVEYMONKEY, "event_id": "another", "event_type": "response_updated"},
        fetched=_SURVEYMONKEY_DETAILS,
        fetched_changed=with_value(
            with_value(
                _SURVEYMONKEY_DETAILS,
                ("pages", 0, "questions", 0, "answers", 0, "choice_metadata", "weight"),
                "2",
            ),
            ("date_modified",),
            _LATER_TEXT,
        ),
        says={**_DANA, **_REVISED, "source_id": "987654321", "customer_id": "c-1042"},
        sign=_base64("sm-signature", "", sha1),
        settings={"score": "11", "comment": "12", "api_token": "a_token"},
        comment=("pages", 0, "questions", 1, "answers", 0, "text"),
    ),
    "generic": Sample(
        body=_GENERIC,
        changed=with_value(
            with_value(_GENERIC, ("data", "rating", "value"), 2), ("data", "changed"), _LATER_TEXT
        ),
        says={**_DANA, **_REVISED, "source_id": "77", "customer_id": "c-1042", "context": {"case": "5001"}},
        sign=_standard,
        signs_time=True,
        settings={
            "signature": "standard_webhooks",
            "only": {"type": "rating"},
            "fields": {
                "id": "data.id",
                "score": "data.rating.value",
                "comment": "data.rating.remark",
                "updated_at": "data.changed",
                "responded_at": "data.changed",
                "customer_id": "data.user.id",
                "email": "data.user.mail",
                "deleted": "data.removed",
            },
            "context": {"case": "data.case"},
        },
        comment=("data", "rating", "remark"),
    ),
}
