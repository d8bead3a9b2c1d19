"""The pictures of the documentation: small PNG files, and a message as Slack shows it."""

from __future__ import annotations

import json
import random
import struct
import zlib

import pytest

from examples.demo.png import with_palette
from examples.demo.screenshots import SHOWN, message_page, shots

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(lines: list[bytes], width: int, *, colour_type: int = 2, interlaced: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", width, len(lines), 8, colour_type, 0, 0, interlaced)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(b"".join(lines))), (b"IEND", b"")]
    return SIGNATURE + b"".join(chunk(kind, data) for kind, data in parts)


def filtered(rows: list[bytes], step: int) -> list[bytes]:
    """Return the rows with PNG's five filters in turns."""
    above, lines = bytes(len(rows[0])), []
    for number, row in enumerate(rows):
        line = bytearray([number % 5])
        for i, value in enumerate(row):
            left, corner = (row[i - step], above[i - step]) if i >= step else (0, 0)
            aim = left + above[i] - corner
            nearest = min((left, above[i], corner), key=lambda near, aim=aim: abs(aim - near))
            guess = (0, left, above[i], (left + above[i]) // 2, nearest)[number % 5]
            line.append((value - guess) & 0xFF)
        lines.append(bytes(line))
        above = row
    return lines


def shown(picture: bytes) -> list[tuple[int, ...]]:
    """Return the colours of a picture with a palette, pixel by pixel."""
    parts, at = {}, len(SIGNATURE)
    while at < len(picture):
        (length,) = struct.unpack_from(">I", picture, at)
        parts[picture[at + 4 : at + 8]] = picture[at + 8 : at + 8 + length]
        assert zlib.crc32(picture[at + 4 : at + 8 + length]) == struct.unpack_from(">I", picture, at + 8 + length)[0]
        at += length + 12
    width, height, _, colour_type = struct.unpack(">IIBB", parts[b"IHDR"][:10])
    assert colour_type == 3
    palette = [tuple(parts[b"PLTE"][n : n + 3]) for n in range(0, len(parts[b"PLTE"]), 3)]
    raw = zlib.decompress(parts[b"IDAT"])
    return [palette[raw[row * (width + 1) + 1 + x]] for row in range(height) for x in range(width)]


@pytest.mark.parametrize(("colour_type", "channels"), [(2, 3), (6, 4)])
def test_few_colours_stay_as_they_are(colour_type, channels):
    chance = random.Random(1)
    colours = [bytes(chance.randrange(256) for _ in range(3)) for _ in range(200)]
    pixels = [[chance.choice(colours) for _ in range(40)] for _ in range(25)]
    rows = [b"".join(pixel + bytes(channels - 3) for pixel in row) for row in pixels]

    small = with_palette(png(filtered(rows, channels), 40, colour_type=colour_type))

    assert shown(small) == [tuple(pixel) for row in pixels for pixel in row]


def test_of_too_many_colours_the_nearest_is_shown():
    often = [bytes([n, n, n]) for n in range(255)] * 2
    row = b"".join(often) + bytes([255, 0, 0]) * 2 + bytes([250, 0, 0])

    assert shown(with_palette(png([b"\0" + row], 513)))[-1] == (255, 0, 0)


@pytest.mark.parametrize("picture", [b"GIF89a", png([b"\0\0"], 1, colour_type=3), png([b"\0\0\0\0"], 1, interlaced=1)])
def test_another_picture_is_refused(picture):
    with pytest.raises(ValueError):
        with_palette(picture)


def test_the_message_is_shown_as_text_and_code(tmp_path):
    sent = [
        {"text": "another", "blocks": []},
        {
            "text": SHOWN,
            "blocks": [
                {"type": "header", "text": {"type": "plain_text", "text": "a &amp;lt; b"}},
                {"type": "section", "text": {"type": "plain_text", "text": "<b>"}},
                {"type": "section", "text": {"type": "mrkdwn", "text": "```\naws ssm\n```"}},
                {"type": "context", "elements": [{"type": "plain_text", "text": "Change c1"}]},
            ],
        },
    ]
    (tmp_path / "slack.jsonl").write_text("\n".join(map(json.dumps, sent)))

    page = message_page(tmp_path / "slack.jsonl")

    assert "<h1>a &amp;lt; b</h1>" in page
    assert '<p class="text">&lt;b&gt;</p>' in page
    assert "<pre>aws ssm</pre>" in page
    assert '<p class="context">Change c1</p>' in page


def test_every_page_is_taken_wide_and_narrow_in_light_and_dark(tmp_path, root):
    taken = list(shots(tmp_path, tmp_path / "message.html"))

    assert {(shot.page.stem, shot.width <= 390, shot.scheme) for shot in taken} == {
        (page, narrow, scheme)
        for page in ("stale", "history", "message")
        for narrow in (True, False)
        for scheme in ("light", "dark")
    }
    names = {f"{shot.page.stem}-{shot.width}-{shot.scheme}.png" for shot in taken}
    images = root / "docs" / "images"
    assert names == {path.name for path in images.iterdir()}
    assert all((images / name).stat().st_size < 200_000 for name in names)
