"""Block Kit as far as messages and views use it: every field, what it may hold and how long it may be.

Limits are those of docs.slack.dev/reference/block-kit. Fields not listed are refused, as Slack does.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, model_validator
from pydantic_core import PydanticCustomError


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class PlainText(_Part):
    """Text without markup."""

    type: Literal["plain_text"]
    text: Annotated[str, Field(min_length=1, max_length=3000)]
    emoji: bool | None = None


class Mrkdwn(_Part):
    """Text in Slack's markup."""

    type: Literal["mrkdwn"]
    text: Annotated[str, Field(min_length=1, max_length=3000)]
    verbatim: bool | None = None


AnyText = Annotated[PlainText | Mrkdwn, Discriminator("type")]


def _at_most(characters: int) -> AfterValidator:
    def check(text: PlainText | Mrkdwn) -> PlainText | Mrkdwn:
        if len(text.text) > characters:
            raise PydanticCustomError(
                "text_too_long", "must be no more than {limit} characters", {"limit": characters}
            )
        return text

    return AfterValidator(check)


ActionId = Annotated[str, Field(min_length=1, max_length=255)]
Label = Annotated[PlainText, _at_most(75)]
Url = Annotated[str, Field(min_length=1, max_length=3000)]


class Confirm(_Part):
    """The question asked before a button acts."""

    title: Annotated[PlainText, _at_most(100)]
    text: Annotated[PlainText | Mrkdwn, Discriminator("type"), _at_most(300)]
    confirm: Annotated[PlainText, _at_most(30)]
    deny: Annotated[PlainText, _at_most(30)]
    style: Literal["primary", "danger"] | None = None


class Option(_Part):
    """A choice of a menu."""

    text: Annotated[PlainText | Mrkdwn, Discriminator("type"), _at_most(75)]
    value: Annotated[str, Field(min_length=1, max_length=150)]
    description: Label | None = None
    url: Url | None = None


class _Interactive(_Part):
    action_id: ActionId | None = None
    confirm: Confirm | None = None


class Button(_Interactive):
    """A button; one with a `url` opens it and is reported to the app all the same."""

    type: Literal["button"]
    text: Label
    value: Annotated[str, Field(max_length=2000)] | None = None
    url: Url | None = None
    style: Literal["primary", "danger"] | None = None
    accessibility_label: Annotated[str, Field(max_length=75)] | None = None


class Overflow(_Interactive):
    """The menu behind three dots."""

    type: Literal["overflow"]
    options: Annotated[list[Option], Field(min_length=1, max_length=5)]


class OptionGroup(_Part):
    """Options of a menu below a label."""

    label: Annotated[PlainText, _at_most(75)]
    options: Annotated[list[Option], Field(min_length=1, max_length=100)]


class _Menu(_Interactive):
    """Either options or groups of them."""

    options: Annotated[list[Option], Field(min_length=1, max_length=100)] | None = None
    option_groups: Annotated[list[OptionGroup], Field(min_length=1, max_length=100)] | None = None

    @model_validator(mode="after")
    def _has_one_of_them(self) -> Self:
        if (self.options is None) == (self.option_groups is None):
            raise ValueError("one of options and option_groups is wanted")
        return self


class StaticSelect(_Menu):
    """A menu of the app's own options."""

    type: Literal["static_select"]
    placeholder: Annotated[PlainText, _at_most(150)] | None = None
    initial_option: Option | None = None
    focus_on_load: bool | None = None


class UsersSelect(_Interactive):
    """A menu of the workspace's people."""

    type: Literal["users_select"]
    placeholder: Annotated[PlainText, _at_most(150)] | None = None
    initial_user: str | None = None
    focus_on_load: bool | None = None


class Choices(_Interactive):
    """Radio buttons or check boxes."""

    type: Literal["radio_buttons", "checkboxes"]
    options: Annotated[list[Option], Field(min_length=1, max_length=10)]
    initial_option: Option | None = None
    initial_options: list[Option] | None = None
    focus_on_load: bool | None = None


class DatePicker(_Interactive):
    """A calendar."""

    type: Literal["datepicker"]
    placeholder: Annotated[PlainText, _at_most(150)] | None = None
    initial_date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None
    focus_on_load: bool | None = None


class MultiStaticSelect(_Menu):
    """A menu of the app's own options, of which several can be chosen."""

    type: Literal["multi_static_select"]
    placeholder: Annotated[PlainText, _at_most(150)] | None = None
    initial_options: Annotated[list[Option], Field(min_length=1)] | None = None
    max_selected_items: Annotated[int, Field(ge=1)] | None = None
    focus_on_load: bool | None = None


class TextInput(_Part):
    """A line or a field for text, in views only."""

    type: Literal["plain_text_input"]
    action_id: ActionId | None = None
    initial_value: Annotated[str, Field(max_length=3000)] | None = None
    multiline: bool | None = None
    min_length: Annotated[int, Field(ge=0, le=3000)] | None = None
    max_length: Annotated[int, Field(ge=1, le=3000)] | None = None
    placeholder: Annotated[PlainText, _at_most(150)] | None = None
    focus_on_load: bool | None = None


class ImageElement(_Part):
    """A small picture."""

    type: Literal["image"]
    image_url: Url
    alt_text: Annotated[str, Field(min_length=1, max_length=2000)]


ActionElement = Annotated[
    Button | Overflow | StaticSelect | UsersSelect | Choices | DatePicker, Discriminator("type")
]
Accessory = Annotated[
    Button | Overflow | StaticSelect | MultiStaticSelect | UsersSelect | Choices | DatePicker | ImageElement,
    Discriminator("type"),
]
InputElement = Annotated[
    TextInput | StaticSelect | MultiStaticSelect | UsersSelect | Choices | DatePicker, Discriminator("type")
]


class _Block(_Part):
    block_id: Annotated[str, Field(min_length=1, max_length=255)] | None = None


class Section(_Block):
    """Text, or up to ten fields in two columns."""

    type: Literal["section"]
    text: AnyText | None = None
    fields: (
        Annotated[
            list[Annotated[PlainText | Mrkdwn, Discriminator("type"), _at_most(2000)]],
            Field(min_length=1, max_length=10),
        ]
        | None
    ) = None
    accessory: Accessory | None = None
    expand: bool | None = None


class Header(_Block):
    """A headline."""

    type: Literal["header"]
    text: Annotated[PlainText, _at_most(150)]


class Divider(_Block):
    """A line."""

    type: Literal["divider"]


class Context(_Block):
    """Small print."""

    type: Literal["context"]
    elements: Annotated[
        list[Annotated[PlainText | Mrkdwn | ImageElement, Discriminator("type")]],
        Field(min_length=1, max_length=10),
    ]


class Actions(_Block):
    """Buttons and menus."""

    type: Literal["actions"]
    elements: Annotated[list[ActionElement], Field(min_length=1, max_length=25)]


class Image(_Block):
    """A picture."""

    type: Literal["image"]
    image_url: Url
    alt_text: Annotated[str, Field(min_length=1, max_length=2000)]
    title: PlainText | None = None


class Markdown(_Block):
    """Standard Markdown, translated by Slack."""

    type: Literal["markdown"]
    text: Annotated[str, Field(min_length=1, max_length=12_000)]


class Inline(_Part):
    """A piece of a rich text's line."""

    type: Literal["text", "link", "user", "channel", "emoji", "broadcast"]
    text: str | None = None
    url: Url | None = None
    user_id: str | None = None
    channel_id: str | None = None
    name: str | None = None
    range: Literal["here", "channel", "everyone"] | None = None
    style: dict[Literal["bold", "italic", "strike", "code"], bool] | None = None


class RichPart(_Part):
    """A paragraph, quotation or preformatted passage."""

    type: Literal["rich_text_section", "rich_text_quote", "rich_text_preformatted"]
    elements: list[Inline]
    border: Literal[0, 1] | None = None


class RichList(_Part):
    """A bulleted or numbered list."""

    type: Literal["rich_text_list"]
    style: Literal["bullet", "ordered"]
    elements: list[RichPart]
    indent: int | None = None
    offset: int | None = None
    border: Literal[0, 1] | None = None


class RichText(_Block):
    """The editor's own format, in which nothing a customer wrote is interpreted."""

    type: Literal["rich_text"]
    elements: Annotated[list[Annotated[RichPart | RichList, Discriminator("type")]], Field(min_length=1)]


Block = Annotated[
    Section | Header | Divider | Context | Actions | Image | Markdown | RichText, Discriminator("type")
]


class Input(_Block):
    """A field of a form, in views only."""

    type: Literal["input"]
    label: Annotated[PlainText, _at_most(2000)]
    element: InputElement
    hint: Annotated[PlainText, _at_most(2000)] | None = None
    optional: bool | None = None


ViewBlock = Annotated[
    Section | Header | Divider | Context | Actions | Image | RichText | Input, Discriminator("type")
]


class _View(_Part):
    blocks: Annotated[list[ViewBlock], Field(max_length=100)]
    private_metadata: Annotated[str, Field(max_length=3000)] | None = None
    callback_id: Annotated[str, Field(max_length=255)] | None = None
    external_id: Annotated[str, Field(min_length=1, max_length=255)] | None = None


class Modal(_View):
    """A form in front of everything else."""

    type: Literal["modal"]
    title: Annotated[PlainText, _at_most(24)]
    submit: Annotated[PlainText, _at_most(24)] | None = None
    close: Annotated[PlainText, _at_most(24)] | None = None
    clear_on_close: bool | None = None


class Home(_View):
    """The app's own tab, different for each person."""

    type: Literal["home"]


View = Annotated[Modal | Home, Discriminator("type")]


class Metadata(_Part):
    """Message metadata: readable by every app of the workspace."""

    event_type: Annotated[str, Field(min_length=1)]
    event_payload: dict[str, Any]
