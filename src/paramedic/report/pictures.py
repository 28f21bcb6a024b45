"""Small pictures of samples for the HTML page."""

from __future__ import annotations

import base64
import struct
import zlib
from dataclasses import dataclass

import torch
from torch import Tensor

MOST_SIDE = 64  # pixels; larger samples are thinned out
LEAST_SIDE = 6
CHANNELS = (1, 3)


@dataclass(frozen=True)
class Picture:
    """caption: text of the data set, to be escaped. png: base64."""

    caption: str
    png: str


def png_of(row: Tensor) -> str | None:
    """A row of shape (C, H, W), (H, W, C) or (H, W) as PNG in base64, its values stretched to black and white."""
    image = row.detach().cpu()
    if image.dim() == 2:
        image = image[None]
    if image.dim() == 3 and image.shape[0] not in CHANNELS and image.shape[2] in CHANNELS:
        image = image.permute(2, 0, 1)
    if image.dim() != 3 or image.shape[0] not in CHANNELS or min(image.shape[1:]) < LEAST_SIDE:
        return None
    step = max(1, -(-max(image.shape[1:]) // MOST_SIDE))
    values = torch.nan_to_num(image[:, ::step, ::step].double(), posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if low >= 0.0 and high <= 1.0:
        low, high = 0.0, 1.0
    pixels = (255 * (values - low) / ((high - low) or 1.0)).round().to(torch.uint8).permute(1, 2, 0).contiguous()
    return base64.b64encode(png(pixels)).decode()


def png(pixels: Tensor) -> bytes:
    """(H, W, 1 or 3) bytes. Reference: PNG specification, third edition (W3C 2025), sections 5 and 11."""
    height, width, channels = pixels.shape
    lines = b"".join(b"\x00" + bytes(line.reshape(-1).tolist()) for line in pixels)
    head = struct.pack(">IIBBBBB", width, height, 8, 2 if channels == 3 else 0, 0, 0, 0)

    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(lines, 9)) + part(b"IEND", b"")
