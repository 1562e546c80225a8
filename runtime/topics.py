"""Topics are made up front: what a broker creates by itself has one partition and no retention of ours."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as it should be. `replication` -1 leaves the number of copies to the broker's default."""

    name: str
    partitions: int
    configs: Mapping[str, str] = field(default_factory=dict)
    replication: int = -1


@dataclass(frozen=True, slots=True)
class Change:
    """What one topic needs: fields are empty where it is as it should be."""

    topic: str
    created_partitions: int | None = None
    grown_to: int | None = None
    surplus_partitions: int = 0
    """Partitions beyond the specified number: left alone, since removing one would lose its records."""
    configs: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.created_partitions or self.grown_to or self.configs)

    def __str__(self) -> str:
        says = []
        if self.created_partitions:
            says.append(f"created with {self.created_partitions} partitions")
        if self.grown_to:
            says.append(f"grown to {self.grown_to} partitions")
        if self.surplus_partitions:
            says.append(f"{self.surplus_partitions} partitions more than specified are kept")
        says.extend(f"{name} set to {value}" for name, value in self.configs.items())
        return f"{self.topic}: {', '.join(says) or 'as specified'}"


def difference(spec: TopicSpec, partitions: int | None, configs: Mapping[str, str]) -> Change:
    """What makes the specified topic of one with these partitions (None: it does not exist) and configs."""
    if partitions is None:
        return Change(spec.name, created_partitions=spec.partitions)
    return Change(
        spec.name,
        grown_to=spec.partitions if spec.partitions > partitions else None,
        surplus_partitions=max(0, partitions - spec.partitions),
        configs={name: value for name, value in spec.configs.items() if configs.get(name) != value},
    )


def ensure_topics(bootstrap: str, specs: Iterable[TopicSpec]) -> list[Change]:
    """Creates what is missing, grows and reconfigures what differs; returns one Change a topic.

    Safe to repeat. Raises KafkaError when the broker is not there or refuses.
    """
    wanted = {spec.name: spec for spec in specs}
    admin = KafkaAdminClient(
        bootstrap_servers=bootstrap.split(","), client_id="topics", request_timeout_ms=TIMEOUT_SECONDS * 1000
    )
    try:
        existing = _existing(admin, wanted)
        configs = _configs(admin, [name for name in wanted if name in existing])
        changes = [
            difference(spec, existing.get(spec.name), configs.get(spec.name, {})) for spec in wanted.values()
        ]
        _apply(admin, wanted, changes)
        return changes
    finally:
        admin.close()


def _existing(admin: KafkaAdminClient, wanted: Mapping[str, TopicSpec]) -> dict[str, int]:
    described = admin.describe_topics()
    return {topic["name"]: len(topic["partitions"]) for topic in described if topic["name"] in wanted}


def _configs(admin: KafkaAdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    described = admin.describe_configs(
        [ConfigResource(ConfigResourceType.TOPIC, name) for name in names], config_filter="all"
    )
    return {
        topic: {name: config["value"] for name, config in configs.items()}
        for topic, configs in described["topic"].items()
    }


def _apply(admin: KafkaAdminClient, wanted: Mapping[str, TopicSpec], changes: list[Change]) -> None:
    created = {
        change.topic: {
            "num_partitions": change.created_partitions,
            "replication_factor": wanted[change.topic].replication,
            "configs": dict(wanted[change.topic].configs),
        }
        for change in changes
        if change.created_partitions
    }
    if created:
        admin.create_topics(created, wait_for_metadata=True)
    grown = {change.topic: change.grown_to for change in changes if change.grown_to}
    if grown:
        admin.create_partitions(grown)
    altered = [
        ConfigResource(ConfigResourceType.TOPIC, change.topic, configs=dict(change.configs))
        for change in changes
        if change.configs
    ]
    if altered:
        admin.alter_configs(altered)
