"""Names and values that strangers chose give no element, no attribute and no link that is not ours."""

from __future__ import annotations

import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.code_links import code_link
from reports import flag, history, stale
from reports.flag import FlagInput
from tests.support.pages import Page, history_of, judged, place, said, stale_of

WRITTEN = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</style><style>*{display:none}</style>",
    "</title><h1>gone</h1>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<a href='javascript:alert(1)'>here</a>",
    '"><b onmouseover="alert(1)">',
    "' onfocus='alert(1)' autofocus='",
    "` onload=alert(1) `",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "<!-- --><!--><b>",
    "--><b>",
    "<![CDATA[<b>]]>",
    "<?php echo 1 ?>",
    "&lt;b&gt;",
    "&#60;b&#62;",
    "&#x3c;script&#x3e;",
    "&amp;lt;b&amp;gt;",
    "&quot; onclick=&quot;alert(1)",
    "{{ 7 * 7 }}",
    "{% for x in [].__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
    "{# gone #}",
    "${7*7}",
    "#{7*7}",
    "{{ config }}{{ self.__init__ }}",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href='https://evil.example/'>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<iframe src=https://evil.example></iframe>",
    "<form action=https://evil.example><input name=x></form>",
    "<details open ontoggle=alert(1)>",
    "<template><b></template>",
    "<math><mtext></style><img src onerror=alert(1)>",
    "</article></main></body></html>",
    "<plaintext>",
    "<xmp><b></xmp>",
    "<b/onclick=alert(1)//",
    "<\x00script>alert(1)</script>",
    "<scr\u200bipt>",
    "\u202eevil\u202c",
    "\u2066hidden\u2069",
    "a\u0000b",
    "a\x1b[31mred\x1b[0m",
    "a\x07\x08\x0bb",
    "\ud800",
    "\ufeffbom",
    "\uffff",
    "e\u0301" * 40,
    "\uff1cscript\uff1e",
    "<SCRIPT SRC=//evil.example/x></SCRIPT>",
    "https://evil.example/",
    "@everyone <!channel> <@U123>",
    '=HYPERLINK("https://evil.example")',
    "../../etc/passwd",
    "true",
    "null",
    "-1",
    "a" * 3000,
]  # fmt: skip


def mixed(count: int) -> list[str]:
    """Return payloads joined from pieces that mean something to a browser."""
    pieces = [
        "<",
        ">",
        '"',
        "'",
        "&",
        "/",
        "=",
        "`",
        "{{",
        "}}",
        "<!--",
        "-->",
        "script",
        "onload",
        "javascript:",
        " ",
        "\n",
        "\u202e",
    ]
    chance = random.Random(7)
    return ["x" + "".join(chance.choices(pieces, k=12)) for _ in range(count)]


PAYLOADS = [*WRITTEN, *mixed(100 - len(WRITTEN))]
PLAIN = "plain"


def pages(text, folder):
    """Render every report with this text in every field."""
    stale.render(stale_of(text), folder / "stale.html")
    history.render(history_of(text), folder / "history.html")
    flag.render(FlagInput(judged(text), [said(text)], stale_of(text)), folder / "flag.html")
    return {name: Page.of(folder / f"{name}.html") for name in ("stale", "history", "flag")}


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return pages(PLAIN, tmp_path_factory.mktemp("plain"))


def test_there_are_a_hundred():
    assert len(PAYLOADS) == len(set(PAYLOADS)) == 100


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_a_page_is_built_the_same_whatever_is_in_it(payload, plain, tmp_path):
    for name, page in pages(payload, tmp_path).items():
        assert page.elements == plain[name].elements, name
        assert page.open == [], "every element is closed"
        assert page.comments == 0


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_nothing_hides_in_a_page(payload, tmp_path):
    for name, page in pages(payload, tmp_path).items():
        hidden = {c for text in page.texts for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn")}
        assert hidden <= {"\n", "\t"}, name


@pytest.mark.parametrize("text", ["<b>bold</b>", "{{ 7 * 7 }}", "a & b", 'say "yes"'])
def test_what_is_written_is_read(text, tmp_path):
    for name, page in pages(text, tmp_path).items():
        assert text in page.text, name


SAFE = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(path=SAFE, commit=st.none() | SAFE)
def test_a_link_leads_to_the_configured_host_only(path, commit):
    template = "https://code.example/shop/blob/{commit}/{path}#L{line}"
    link = code_link(template, place(path, 7), commit)

    if not commit:
        assert link is None
        return
    assert link.startswith("https://code.example/shop/blob/")
    assert link.endswith("#L7")
    assert set(link.removesuffix("#L7")).isdisjoint("\"'<>\\?# \n{}")


@pytest.mark.parametrize("template", [None, "", "javascript:alert('{path}')", "data:text/html,{path}", "//host/{path}"])
def test_without_a_proper_template_there_is_no_link(template):
    assert code_link(template, place("a.py"), "abc") is None


@pytest.mark.parametrize("payload", PAYLOADS[:40], ids=range(40))
def test_a_hostile_path_adds_no_attribute_to_its_link(payload, tmp_path):
    data = stale_of(payload, code_url="https://code.example/{path}#L{line}")
    stale.render(data, tmp_path / "stale.html")
    page = Page.of(tmp_path / "stale.html")

    links = [attributes for tag, attributes in page.elements if tag == "a" and len(attributes) > 1]
    assert links
    for attributes in links:
        assert [name for name, _ in attributes] == ["href", "rel"]
        assert dict(attributes)["href"].startswith("https://code.example/")
