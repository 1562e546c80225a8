"""What docker-compose.yml promises of every container."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.secret_files import holders

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docker-compose.yml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
JOBS = {"migrate", "topics"}
RESTARTS = {**dict.fromkeys(JOBS, "on-failure:5"), "feedback": "no"}
"""Of containers that end."""
SECRETS = {"migrate": {"jobs"}, "topics": {"jobs"}, "feedback": {"router", "ingest"}}
"""The folders of containers without one of their own. The command does what operators may do."""
OVERRIDABLE = re.compile(r"\$\{([A-Z_]+)(?::-([^}]*))?\}")

every_container = pytest.mark.parametrize("name", SERVICES)


@every_container
def test_a_container_can_do_no_more_than_its_job(name: str) -> None:
    container = SERVICES[name]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container["mem_limit"]
    assert "privileged" not in container
    assert "cap_add" not in container or name == "postgres"


@every_container
def test_a_container_does_not_fill_the_disk_with_its_log(name: str) -> None:
    assert SERVICES[name]["logging"]["options"].keys() == {"max-size", "max-file"}


@every_container
def test_an_image_is_pinned_and_another_can_be_named(name: str) -> None:
    reference = OVERRIDABLE.fullmatch(SERVICES[name]["image"])
    assert reference is not None
    default = reference[2]
    assert default.startswith("feedback-router-") or re.search(r":v?\d", default), default
    assert f"#{reference[1]}={default}\n" in (ROOT / ".env.example").read_text()


@every_container
def test_a_container_is_reached_from_this_machine_only(name: str) -> None:
    for port in SERVICES[name].get("ports", ()):
        address, published = OVERRIDABLE.findall(port)
        assert address == ("BIND_ADDRESS", "127.0.0.1")
        assert published[0].endswith("_PORT")


@every_container
def test_a_container_comes_back_and_says_how_it_is(name: str) -> None:
    container = SERVICES[name]
    assert container["restart"] == RESTARTS.get(name, "unless-stopped")
    assert "healthcheck" in container or name in RESTARTS


@every_container
def test_a_container_sees_its_own_secrets_only(name: str) -> None:
    mounted = {
        volume.split(":")[0].removeprefix("./secrets/")
        for volume in SERVICES[name].get("volumes", ())
        if volume.startswith("./secrets")
    }
    assert mounted <= SECRETS.get(name, {name})
    assert mounted <= holders().keys()


def test_secrets_are_in_no_variable() -> None:
    for container in SERVICES.values():
        names = container.get("environment", {}).keys()
        secret = [name for name in names if re.search("PASSWORD|SECRET|TOKEN|KEY", name)]
        assert all(name.endswith(("_FILE", "_DIR")) for name in secret), secret


def test_every_lock_file_of_an_image_exists() -> None:
    built = {service["build"]["args"]["SERVICE"] for service in SERVICES.values() if "build" in service}
    assert built == {"jobs", "ingest", "classifier", "router", "scheduler", "insights", "sandbox", "feedback"}
    assert all((ROOT / "requirements" / f"{name}.txt").exists() for name in built)
