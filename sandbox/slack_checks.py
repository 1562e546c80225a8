"""What Slack checks of a message or view before it takes it: Block Kit's shapes and limits, and metadata's.

The undocumented limit of all blocks together is the one measured in slackapi/bolt-js#2509 (near 13,200
characters, containers counted in).
"""

from collections.abc import Mapping, Sequence

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, to_json

from sandbox.block_kit import Actions, Block, Input, Metadata, Modal, Section, View, ViewBlock

MAX_TEXT = 40_000
MAX_BLOCKS = 50
MAX_BLOCKS_LENGTH = 13_200
MAX_METADATA_BYTES = 16_384
MAX_VIEW_BYTES = 250_000


class SlackError(Exception):
    """Slack refuses the call with `error`; `messages` say where, as in `response_metadata.messages`."""

    def __init__(self, error: str, messages: Sequence[str] = ()) -> None:
        super().__init__(error)
        self.error = error
        self.messages = list(messages)


_BLOCKS = TypeAdapter(list[Block])
_VIEW: TypeAdapter[View] = TypeAdapter(View)


def check_text(text: object) -> None:
    """Raise SlackError if the top-level text cannot be sent."""
    if text is not None and not isinstance(text, str):
        raise SlackError("invalid_arguments", ["[ERROR] must be a string [json-pointer:/text]"])
    if text is not None and len(text) > MAX_TEXT:
        raise SlackError("msg_too_long")


def check_metadata(metadata: object) -> None:
    """Raise SlackError if the metadata's shape or size is refused."""
    try:
        Metadata.model_validate(metadata)
    except ValidationError as error:
        raise SlackError(
            "invalid_metadata_format", _messages(error, {"metadata": metadata}, "metadata")
        ) from error
    if len(to_json(metadata)) > MAX_METADATA_BYTES:
        raise SlackError("metadata_too_large")


def check_blocks(blocks: object) -> None:
    """Raise SlackError, naming each fault by JSON pointer, if Slack would not draw these blocks."""
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    if len(blocks) > MAX_BLOCKS:
        raise SlackError(
            "invalid_blocks", [f"[ERROR] no more than {MAX_BLOCKS} items allowed [json-pointer:/blocks]"]
        )
    try:
        checked = _BLOCKS.validate_python(blocks)
    except ValidationError as error:
        raise SlackError("invalid_blocks", _messages(error, {"blocks": blocks}, "blocks")) from error
    faults = [*_empty_sections(checked), *_repeated_ids(checked)]
    if faults:
        raise SlackError("invalid_blocks", faults)
    if len(to_json(blocks).decode()) > MAX_BLOCKS_LENGTH:
        raise SlackError("msg_blocks_too_long")


def check_view(view: object, kind: str) -> None:
    """Raise SlackError, naming each fault by JSON pointer, if Slack would not show this view as a `kind`."""
    try:
        checked = _VIEW.validate_python(view)
    except ValidationError as error:
        raise SlackError("invalid_arguments", _messages(error, {"view": view}, "view")) from error
    faults = [fault.replace("/blocks", "/view/blocks") for fault in _repeated_ids(checked.blocks)]
    if checked.type != kind:
        faults.append(f"[ERROR] must be a {kind} [json-pointer:/view/type]")
    if isinstance(checked, Modal) and checked.submit is None and _inputs(checked.blocks):
        faults.append("[ERROR] `submit` is required when there is an `input` block [json-pointer:/view]")
    if faults:
        raise SlackError("invalid_arguments", faults)
    if len(to_json(view)) > MAX_VIEW_BYTES:
        raise SlackError("view_too_large")


def _inputs(blocks: Sequence[ViewBlock]) -> bool:
    return any(isinstance(block, Input) for block in blocks)


def _empty_sections(blocks: Sequence[Block]) -> list[str]:
    return [
        f"[ERROR] missing required field: text or fields [json-pointer:/blocks/{index}]"
        for index, block in enumerate(blocks)
        if isinstance(block, Section) and block.text is None and block.fields is None
    ]


def _repeated_ids(blocks: Sequence[Block | ViewBlock]) -> list[str]:
    faults, seen = [], set()
    for index, block in enumerate(blocks):
        if block.block_id is not None and block.block_id in seen:
            faults.append(
                f"[ERROR] `block_id` {block.block_id} already exists [json-pointer:/blocks/{index}/block_id]"
            )
        seen.add(block.block_id)
        if isinstance(block, Actions):
            ids = [element.action_id for element in block.elements if element.action_id is not None]
            if len(ids) != len(set(ids)):
                faults.append(
                    f"[ERROR] `action_id` must be unique in a block [json-pointer:/blocks/{index}/elements]"
                )
    return faults


def _messages(error: ValidationError, document: Mapping[str, object], root: str) -> list[str]:
    return [
        f"[ERROR] {_sentence(detail)} [json-pointer:{_pointer(document, (root, *detail['loc']))}]"
        for detail in error.errors(include_url=False, include_input=False)
    ]


_SENTENCES = {
    "string_too_long": "must be no more than {max_length} characters",
    "string_too_short": "must be at least {min_length} characters",
    "too_long": "no more than {max_length} items allowed",
    "too_short": "no fewer than {min_length} items allowed",
    "missing": "missing required field: {field}",
    "extra_forbidden": "invalid additional property: {field}",
    "union_tag_invalid": "unsupported type: {tag}",
}


def _sentence(detail: ErrorDetails) -> str:
    pattern = _SENTENCES.get(detail["type"])
    if pattern is None:
        return detail["msg"]
    return pattern.format(**detail.get("ctx", {}), field=detail["loc"][-1])


def _pointer(document: object, location: Sequence[int | str]) -> str:
    """Turn pydantic's location into a JSON pointer, leaving out the union tags it puts in."""
    pointer, here = "", document
    for number, step in enumerate(location):
        known = (isinstance(here, dict) and step in here) or (
            isinstance(here, list) and isinstance(step, int)
        )
        if known:
            here = here[step]  # type: ignore[index]  # either a dict with the key or a list with the number
        if known or number == len(location) - 1:
            pointer += f"/{step}"
    return pointer
