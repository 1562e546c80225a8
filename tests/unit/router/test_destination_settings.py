from pathlib import Path

import pytest

from runtime.settings import BadSettings
from runtime.yaml_file import ConfigError
from services.router.destination_settings import read_destinations
from services.router.plugins import discover

PLUGINS = discover()


def file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "destinations.yaml"
    path.write_text(text)
    return path


def test_the_shipped_file_is_good() -> None:
    found = read_destinations(Path("deploy/config/destinations.yaml"), PLUGINS)

    assert found.keys() == {name for name, plugin in PLUGINS.items() if not plugin.is_named}


def test_the_file_beats_the_default_and_the_environment_beats_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file(tmp_path, "slack:\n  calls_per_second: 3\n  parallel_calls: 7\n")
    monkeypatch.setenv("SLACK_CALLS_PER_SECOND", "50")

    slack = read_destinations(path, PLUGINS)["slack"].settings().model_dump()

    assert (slack["calls_per_second"], slack["parallel_calls"], slack["deadline_seconds"]) == (50, 7, 10)


def test_hosts_and_domains_are_listed_with_commas_in_a_variable_and_as_a_list_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_OWN_DOMAINS", " Acme.example , acme.test,")
    read = read_destinations(
        file(tmp_path, "webhook:\n  crm: {allow_private_hosts: [CRM.internal]}\n"), PLUGINS
    )

    assert read["email"].settings().model_dump()["mail_own_domains"] == ("acme.example", "acme.test")
    assert read["webhook.crm"].settings().model_dump()["allow_private_hosts"] == ("crm.internal",)


def test_cards_get_the_files_links(tmp_path: Path) -> None:
    links = "slack:\n  links: [{text: Page, url: 'https://admin.test/{customer_id}'}]\n"

    slack = read_destinations(file(tmp_path, links), PLUGINS)["slack"].settings().model_dump()

    assert slack["links"] == ({"text": "Page", "url": "https://admin.test/{customer_id}"},)
    with pytest.raises(ConfigError, match=r"destinations\.yaml:2: slack\.links\.0\.url: .*a link may use"):
        read_destinations(file(tmp_path, links.replace("customer_id", "e_mail")), PLUGINS)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("slack:\n  calls_per_second: fast\n", r"destinations\.yaml:2: slack\.calls_per_second: "),
        ("slack:\n  deadline_seconds: 600\n", r"destinations\.yaml:2: slack\.deadline_seconds: "),
        ("slack:\n  speed: 1\n", r"destinations\.yaml:2: slack\.speed: is not known here"),
        ("slack:\n  bot_token: xoxb-1\n", r"destinations\.yaml:2: slack\.bot_token: is not known here"),
        ("teams: {}\n", r"destinations\.yaml:1: teams: is not known here"),
        ("webhook:\n  CRM: {}\n", r"destinations\.yaml:2: webhook\.CRM\.\[key\]: "),
        ("webhook:\n  crm:\n    speed: 1\n", r"destinations\.yaml:3: webhook\.crm\.speed: is not known"),
    ],
)
def test_a_wrong_file_is_refused_with_line_and_field(text: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=complaint):
        read_destinations(file(tmp_path, text), PLUGINS)


@pytest.mark.parametrize(
    "url", ["not-a-url", "http://hooks.example.com/", "https://127.0.0.1/", "https://169.254.169.254/"]
)
def test_a_wrong_address_is_named_and_not_repeated(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARKETING_URL", url)
    marketing = read_destinations(file(tmp_path, "{}"), PLUGINS)["marketing"]

    with pytest.raises(BadSettings, match=r"MARKETING_URL cannot be used: its? ") as refused:
        marketing.settings()
    assert url not in str(refused.value)


def test_a_private_host_is_called_only_when_the_file_allows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARKETING_URL", "http://CRM.internal:8080/hook")
    allowing = file(tmp_path, "marketing:\n  allow_private_hosts: [Crm.Internal, 10.0.0.5]\n")

    settings = read_destinations(allowing, PLUGINS)["marketing"].settings()

    assert settings.model_dump()["allow_private_hosts"] == ("crm.internal", "10.0.0.5")


def test_each_name_of_a_webhook_is_a_destination_with_variables_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file(tmp_path, "webhook:\n  crm:\n    calls_per_second: 3\n  warehouse: {}\n")
    monkeypatch.setenv("WEBHOOK_CRM_URL", "https://hooks.example.com/crm")
    monkeypatch.setenv("WEBHOOK_WAREHOUSE_CALLS_PER_SECOND", "7")

    found = read_destinations(path, PLUGINS)
    crm, warehouse = found["webhook.crm"], found["webhook.warehouse"]

    assert "webhook" not in found
    assert (crm.settings().model_dump()["url"], crm.settings().model_dump()["calls_per_second"]) == (
        "https://hooks.example.com/crm",
        3,
    )
    assert warehouse.settings().model_dump()["calls_per_second"] == 7
    assert crm.plugin.connect(crm.settings()) == "WEBHOOK_CRM_SECRET is not set"
    assert warehouse.plugin.connect(warehouse.settings()) == "WEBHOOK_WAREHOUSE_URL is not set"
