"""Text search of files of any size: the pieces tell what the whole tells."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.references import FlagSpec
from auditor.domain.scan_options import ScanOptions
from scanners.flag_index import FlagIndex
from scanners.languages.base import ScanContext, SourceFile
from scanners.text_search import _LONGEST, search_pieces, search_text

CONTEXT = ScanContext(FlagIndex([FlagSpec("/shop/new-é", "ssm"), FlagSpec("wrap", "generic")]), ScanOptions())
LONG = "x " * _LONGEST


@given(
    st.lists(st.sampled_from(["/shop/new-é", '"wrap"', "\n", "\r\n", "\r", " ", "(", "ü", LONG, "/shop/new-éx"])),
    st.integers(1, 4000),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1"]),
)
def test_pieces_of_any_size_tell_what_the_whole_tells(parts, size, encoding):
    data = "".join(parts).encode(encoding)
    size = max(size, 8)
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    whole = {}
    for one in search_text(SourceFile("a.log", data), CONTEXT).references:
        whole.setdefault((one.line, one.flag), one)
    if encoding == "latin-1":
        pieces = [data] if data else []
    assert list(search_pieces("a.log", pieces, CONTEXT).references) == list(whole.values())
