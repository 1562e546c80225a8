import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.mrkdwn import mrkdwn, plain

PEOPLE = {"U1": "Maya Lindqvist"}
CHANNELS = {"C1": "kudos"}


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*bold* _it_ ~gone~", "<b>bold</b> <i>it</i> <s>gone</s>"),
        ("2*3*4 snake_case_name", "2*3*4 snake_case_name"),
        ("`*code*`", "<code>*code*</code>"),
        ("```\na < b\n```", "<pre>a &lt; b</pre>"),
        ("> said\nafter", "<blockquote>said</blockquote>after"),
        ("<https://acme.test/?a=1&amp;b=2|the page>", 'href="https://acme.test/?a=1&amp;b=2"'),
        ("<@U1> <#C1> <!here>", "@Maya Lindqvist"),
        ("<#C1>", "#kudos"),
        ("<!channel>", '<span class="mention loud">@channel</span>'),
        ("a &lt;b&gt; &amp; c", "a &lt;b&gt; &amp; c"),
        (":tada:", "🎉"),
        ("🔴 low", 'class="dot red"'),
    ],
)
def test_markup(text: str, html: str) -> None:
    assert html in mrkdwn(text, PEOPLE, CHANNELS)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<javascript:alert(1)|click>",
        '<https://x.test/"onclick="alert(1)|x>',
        "<@U1|<img src=x onerror=alert(1)>>",
        "`<img src=x onerror=alert(1)>`",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
    ],
)
def test_markup_of_ones_own_is_never_html(text: str) -> None:
    html = mrkdwn(text, PEOPLE, CHANNELS)
    assert "<script" not in html
    assert "<img" not in html
    assert 'href="javascript' not in html
    assert '"onclick' not in html


@given(st.text(alphabet="<>&\"'*_~`|@#!:\n/ab\ue000\ue0010", max_size=60))
def test_no_text_draws_a_tag_that_is_not_slacks(text: str) -> None:
    html = mrkdwn(text, PEOPLE, CHANNELS)
    for tag in ("b", "i", "s", "code", "pre", "blockquote", "br", "span", "a"):
        html = html.replace(f"<{tag}>", "").replace(f"</{tag}>", "")
    for start in ('<span class="mention">', '<span class="mention loud">', '<a href="'):
        html = html.replace(start, "")
    assert "<" not in html


def test_plain_text_is_taken_as_it_is() -> None:
    assert plain("*a* <b> :tada:", emoji=False) == "*a* &lt;b&gt; :tada:"
    assert plain(":tada:", emoji=True) == "🎉"
