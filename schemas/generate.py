"""Writes JSON Schema and AsyncAPI from the models: `python -m schemas.generate [--check]`."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter

from schemas.event import Event
from schemas.topics import EVENTS, EVERY_TOPIC, Cleanup, Topic

GENERATED = Path(__file__).parent / "generated"
_ASYNCAPI = "3.0.0"
_HEADERS = {
    "type": "object",
    "description": "CloudEvents 1.0, Kafka binary mode, and W3C Trace Context.",
    "required": ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "traceparent"],
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {
            "type": "string",
            "description": "The same fact has the same id each time it is published.",
        },
        "ce_type": {"type": "string"},
        "ce_source": {"type": "string", "format": "uri-reference"},
        "ce_time": {"type": "string", "format": "date-time"},
        "content-type": {"const": "application/json"},
        "traceparent": {"type": "string", "pattern": "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"},
    },
}


def json_schema(event: type[Event]) -> dict[str, Any]:
    """JSON Schema (2020-12) of an event's value."""
    schema = TypeAdapter(event).json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": event.TYPE} | schema


def asyncapi() -> dict[str, Any]:
    """AsyncAPI document of all topics, with who sends and who receives."""
    services = sorted({service for topic in EVERY_TOPIC for service in (*topic.writers, *topic.readers)})
    return {
        "asyncapi": _ASYNCAPI,
        "info": {
            "title": "feedback-router",
            "version": "1",
            "description": "Every event on Kafka, at least once; readers are idempotent by `ce_id`.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in EVERY_TOPIC},
        "operations": {
            f"{service}.{action}.{topic.name}": {
                "action": action,
                "title": f"{service} {action}s {topic.name}",
                "channel": {"$ref": f"#/channels/{topic.name}"},
            }
            for service in services
            for topic in EVERY_TOPIC
            for action, names in (("send", topic.writers), ("receive", topic.readers))
            if service in names
        },
        "components": {
            "messages": {event.TYPE: _message(event) for event in EVENTS.values()},
            "messageTraits": {"cloudEvent": {"headers": _HEADERS}},
        },
    }


def _channel(topic: Topic) -> dict[str, Any]:
    kafka: dict[str, Any] = {
        "partitions": topic.partitions,
        "topicConfiguration": {
            "cleanup.policy": [topic.cleanup.value],
            "max.message.bytes": topic.max_message_bytes,
        },
    }
    if topic.cleanup is Cleanup.DELETE:
        kafka["topicConfiguration"]["retention.ms"] = int(topic.settings()["retention.ms"])
    return {
        "address": topic.name,
        "description": f"Key: {topic.key}. Records that a reader cannot use go to `{topic.dead_letters}`.",
        "messages": {event.TYPE: {"$ref": f"#/components/messages/{event.TYPE}"} for event in topic.events},
        "bindings": {"kafka": kafka},
    }


def _message(event: type[Event]) -> dict[str, Any]:
    return {
        "name": event.TYPE,
        "summary": (event.__doc__ or "").splitlines()[0],
        "payload": {"$ref": f"./{event.TYPE}.json"},
        "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
        "bindings": {"kafka": {"key": {"type": "string"}}},
    }


def artefacts() -> dict[str, str]:
    """File name in `schemas/generated/` to its text."""
    files = {
        f"{event.TYPE}.json": json.dumps(json_schema(event), indent=2, sort_keys=True) + "\n"
        for event in EVENTS.values()
    }
    return files | {"asyncapi.yaml": yaml.safe_dump(asyncapi(), sort_keys=False, width=100)}


def stale(folder: Path) -> list[str]:
    """Names of files that are missing, differ from the models, or belong to no model."""
    expected = artefacts()
    present = {path.name: path.read_text() for path in folder.glob("*.*")}
    return sorted(
        name for name in expected.keys() | present.keys() if expected.get(name) != present.get(name)
    )


def main(arguments: list[str]) -> int:
    """Entry point; exit code 1 when `--check` finds a stale file."""
    parser = argparse.ArgumentParser(prog="python -m schemas.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail if something is stale")
    if parser.parse_args(arguments).check:
        names = stale(GENERATED)
        for name in names:
            sys.stderr.write(
                f"schemas/generated/{name} does not fit the models: run python -m schemas.generate\n"
            )
        return 1 if names else 0
    GENERATED.mkdir(exist_ok=True)
    for name in stale(GENERATED):
        (GENERATED / name).unlink(missing_ok=True)
    for name, text in artefacts().items():
        (GENERATED / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
