"""Small pictures: a PNG with a palette of at most 256 colours instead of all of them, by the standard library alone."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from functools import partial

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOURS = 256
_CHANNELS = {2: 3, 6: 4}
_TRUE_COLOUR_8_BIT = 8
Colour = tuple[int, int, int]


def with_palette(picture: bytes) -> bytes:
    """Return the picture with a palette; colours beyond the 256 most used become the nearest of those.

    Raise ``ValueError`` for what is no 8-bit true-colour PNG without interlacing.
    """
    width, height, pixels = _read(picture)
    used = Counter(pixels)
    palette = [colour for colour, _ in used.most_common(_COLOURS)]
    number = {colour: n for n, colour in enumerate(palette)}
    for colour in used.keys() - number.keys():
        number[colour] = number[min(palette, key=partial(_distance, colour))]
    indices = bytes(map(number.__getitem__, pixels))
    lines = b"".join(b"\0" + indices[row * width : (row + 1) * width] for row in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = (
        (b"IHDR", header),
        (b"PLTE", bytes(channel for colour in palette for channel in colour)),
        (b"IDAT", zlib.compress(lines, 9)),
        (b"IEND", b""),
    )
    return _SIGNATURE + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _read(picture: bytes) -> tuple[int, int, list[Colour]]:
    chunks = list(_chunks(picture))
    width, height, depth, colour_type, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    if depth != _TRUE_COLOUR_8_BIT or colour_type not in _CHANNELS or interlaced:
        raise ValueError("the picture is no 8-bit true-colour PNG without interlacing")
    channels = _CHANNELS[colour_type]
    raw = zlib.decompress(b"".join(data for kind, data in chunks if kind == b"IDAT"))
    pixels: list[Colour] = []
    for line in _lines(raw, width * channels, height, channels):
        pixels.extend(zip(line[0::channels], line[1::channels], line[2::channels], strict=True))
    return width, height, pixels


def _chunks(picture: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not picture.startswith(_SIGNATURE):
        raise ValueError("this is no PNG")
    at = len(_SIGNATURE)
    while at < len(picture):
        (length,) = struct.unpack_from(">I", picture, at)
        yield picture[at + 4 : at + 8], picture[at + 8 : at + 8 + length]
        at += length + 12


def _lines(raw: bytes, length: int, height: int, step: int) -> Iterator[bytes]:
    """Yield the lines without the filters that made them compress well (PNG, section 9)."""
    above = bytearray(length)
    for row in range(height):
        start = row * (length + 1)
        line = bytearray(raw[start + 1 : start + 1 + length])
        _unfilter(raw[start], line, above, step)
        yield bytes(line)
        above = line


def _unfilter(kind: int, line: bytearray, above: bytearray, step: int) -> None:
    if kind == 0:
        return
    for i in range(len(line)):
        left = line[i - step] if i >= step else 0
        corner = above[i - step] if i >= step else 0
        guess = (0, left, above[i], (left + above[i]) // 2, 0)[kind]
        if kind == 4:  # noqa: PLR2004 -- the number that PNG gives to Paeth's filter
            guess = _paeth(left, above[i], corner)
        line[i] = (line[i] + guess) & 0xFF


def _paeth(left: int, up: int, corner: int) -> int:
    aim = left + up - corner
    return min((left, up, corner), key=lambda value: abs(aim - value))


def _distance(one: Colour, other: Colour) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))
