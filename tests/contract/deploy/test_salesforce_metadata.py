"""The fields the code writes, the metadata an org is given, and the double agree."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from runtime.yaml_file import load_yaml
from sandbox.salesforce_objects import OBJECTS, Field
from services.router.salesforce import org_map
from services.router.salesforce.org_map import OrgMap

FOLDER = Path("deploy/salesforce/force-app/main/default")
_SPACE = "{http://soap.sforce.com/2006/04/metadata}"
TYPES = {
    "Text": "string",
    "LongTextArea": "textarea",
    "Picklist": "picklist",
    "Number": "double",
    "DateTime": "datetime",
    "Checkbox": "boolean",
    "Lookup": "reference",
}
ORG = load_yaml(Path("deploy/config/salesforce.yaml"), OrgMap)
SHIPPED = {
    "Case": [*ORG.case.fields, org_map.EFFECT_ID, org_map.PERSON_KEY, org_map.TURN],
    "Task": [*ORG.task.fields, org_map.EFFECT_ID],
    "CampaignMember": [org_map.EFFECT_ID],
    "Contact": [*ORG.contact.fields, org_map.PERSON_KEY],
    "Account": [*ORG.account.fields],
    org_map.RESPONSE_OBJECT: [
        *ORG.response.fields,
        org_map.RESPONSE_ID,
        org_map.WITHDRAWN,
        "Contact__c",
        "Account__c",
    ],
}


def read(path: Path) -> ET.Element:
    return ET.parse(path).getroot()  # noqa: S314 - our own files


def text(element: ET.Element, name: str) -> str:
    return element.findtext(f"{_SPACE}{name}", "")


def texts(element: ET.Element, path: str) -> list[str]:
    return [
        found.text or "" for found in element.findall("/".join(_SPACE + step for step in path.split("/")))
    ]


def metadata() -> Iterator[tuple[str, str, ET.Element]]:
    """Object, name and definition of every field; fields of Task are defined on Activity."""
    for path in sorted(FOLDER.glob("objects/*/fields/*.field-meta.xml")):
        kind = path.parts[-3]
        assert path.name == f"{text(read(path), 'fullName')}.field-meta.xml"
        yield ("Task" if kind == "Activity" else kind), text(read(path), "fullName"), read(path)


DEFINED: Mapping[tuple[str, str], ET.Element] = {(kind, name): xml for kind, name, xml in metadata()}


@pytest.mark.parametrize(("kind", "name"), DEFINED, ids=".".join)
def test_a_field_of_the_metadata_is_the_doubles(kind: str, name: str) -> None:
    xml, field = DEFINED[kind, name], OBJECTS[kind].fields[name]

    assert TYPES[text(xml, "type")] == field.type
    assert text(xml, "description").startswith("Written by Feedback Router.")
    assert (text(xml, "required") == "true") == field.required
    assert (text(xml, "externalId") == "true") == field.external_id
    assert (text(xml, "unique") == "true") == field.unique
    if field.length:
        assert int(text(xml, "length")) == field.length
    values = texts(xml, "valueSet/valueSetDefinition/value/fullName")
    assert tuple(values) == field.values
    if field.type == "reference":
        assert (text(xml, "referenceTo"),) == field.refers_to


def test_every_field_the_code_writes_comes_with_the_metadata() -> None:
    written = {(kind, name) for kind, names in SHIPPED.items() for name in names}

    assert written <= DEFINED.keys()


def test_the_double_has_no_field_of_ours_that_an_org_would_lack() -> None:
    def ours(kind: str, field: Field) -> bool:
        return field.name.startswith("Feedback_") or (kind == org_map.RESPONSE_OBJECT and "__c" in field.name)

    known = {
        (kind.name, field.name)
        for kind in OBJECTS.values()
        for field in kind.fields.values()
        if ours(kind.name, field)
    }
    assert known == DEFINED.keys()


def test_the_integration_user_may_write_every_field() -> None:
    permissions = read(FOLDER / "permissionsets/Feedback_Router.permissionset-meta.xml")
    editable = {
        text(one, "field")
        for one in permissions.findall(f"{_SPACE}fieldPermissions")
        if text(one, "editable") == text(one, "readable") == "true"
    }
    # A required field is everybody's: Salesforce refuses to be told so.
    assert editable == {
        f"{kind}.{name}" for (kind, name), xml in DEFINED.items() if text(xml, "required") != "true"
    }
    objects = {text(one, "object"): one for one in permissions.findall(f"{_SPACE}objectPermissions")}
    assert {name for name, one in objects.items() if text(one, "allowCreate") == "true"} == {
        "Case",
        "Contact",
        org_map.RESPONSE_OBJECT,
    }
    assert {name for name, one in objects.items() if text(one, "allowEdit") == "true"} == {
        "Account",
        "Case",
        "Contact",
        org_map.RESPONSE_OBJECT,
    }
    assert all(text(one, "modifyAllRecords") == "false" for one in objects.values())


@pytest.mark.parametrize(
    "path", [*FOLDER.glob("objects/*/compactLayouts/*"), *FOLDER.glob("objects/*/listViews/*")], ids=str
)
def test_layouts_and_lists_show_fields_that_exist(path: Path) -> None:
    kind, xml = path.parts[-3], read(path)
    shown = [*texts(xml, "fields"), *texts(xml, "columns"), *texts(xml, "filters/field")]

    assert shown
    assert {(kind, name) for name in shown if name != "NAME"} <= DEFINED.keys()


def test_the_report_type_joins_accounts_with_answers() -> None:
    xml = read(FOLDER / "reportTypes/Accounts_with_Feedback.reportType-meta.xml")
    relation = text(DEFINED[org_map.RESPONSE_OBJECT, "Account__c"], "relationshipName")

    assert texts(xml, "join/relationship") == [f"{relation}__r"]
    columns = [
        text(one, "field")
        for one in xml.iter(f"{_SPACE}columns")
        if text(one, "table") == f"Account.{relation}__r"
    ]
    assert columns
    assert {(org_map.RESPONSE_OBJECT, name) for name in columns} <= DEFINED.keys()


def test_the_compact_layout_of_the_object_exists() -> None:
    kind = org_map.RESPONSE_OBJECT
    name = text(read(FOLDER / f"objects/{kind}/{kind}.object-meta.xml"), "compactLayoutAssignment")

    assert (FOLDER / f"objects/{kind}/compactLayouts/{name}.compactLayout-meta.xml").exists()
