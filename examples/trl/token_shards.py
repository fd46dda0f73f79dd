"""Reads token shards, docs/formats/token-shards.md: the rows that `tokenize` makes. Needs the package `zstandard`."""
import json
import os
import struct
import zstandard

ROLES = ("sample", "chosen", "rejected", "wanted", "unwanted", "prompt")


def rows(path):
    """The rows of a shard, or of all shards in a folder in their order.

    Each is a dict: `sequences`, a list of dicts with `role`, `ids`, `labels` (-100 where nothing is learned), `weights`
    (what each token counts) and `source` (a name or None); `margin` of a preference pair; `columns` of a prompt.
    """
    if os.path.isdir(path):
        for name in sorted(os.listdir(path)):
            yield from rows(os.path.join(path, name))
        return
    with open(path, "rb") as file:
        data = file.read()
    if data[:8] != b"ANTOKENS" or data[-8:] != b"ANTOKEND":
        raise ValueError(f"{path} is no token shard")
    size, = struct.unpack("<I", data[-12:-8])
    expand = zstandard.ZstdDecompressor().decompress
    index = json.loads(expand(data[-12 - size:-12]))
    if index["version"] != 1:
        raise ValueError(f"{path} has version {index['version']}; this reader knows version 1")
    for offset, length, _, count in index["blocks"]:
        block, at = expand(data[offset:offset + length]), 0

        def take(form):
            nonlocal at
            values = struct.unpack_from("<" + form, block, at)
            at += struct.calcsize("<" + form)
            return values

        for _ in range(count):
            word, = take("I")
            margin = take("f")[0] if word >> 31 else 0.0
            columns = json.loads(take(f"{take('I')[0]}s")[0]) if word >> 30 & 1 else {}
            yield {"margin": margin, "columns": columns,
                   "sequences": [sequence(take, index) for _ in range(word & 0x3FFFFFFF)]}


def sequence(take, index):
    role, count = take("BI")
    if role & 63 >= len(ROLES):
        raise ValueError(f"A sequence has the unknown role {role & 63}")
    source = index["sources"][take("I")[0]] if role >> 6 & 1 else None
    ids = take(f"{count}i")
    bits = take(f"{(count + 7) // 8}B")
    marks = [bits[i // 8] >> (i % 8) & 1 for i in range(count)]
    given = iter(take(f"{sum(marks)}f") if role >> 7 else ())
    return {"role": ROLES[role & 63], "ids": list(ids), "source": source,
            "labels": [id if mark else -100 for id, mark in zip(ids, marks)],
            "weights": [next(given, 1.0) if mark else 1.0 for mark in marks]}
