"""Makes Tests/Fixtures/Tokenization/pieces.json: texts cut into pieces, and the ids of the whole text by HF `tokenizers`.

Pinned: tokenizers==0.22.2.
Run:    python scripts/reference/tokenizer_pieces.py

Each variant is one of the small tokenizers with other components and added tokens. Cases are kept where no piece changes
the ids of what stands before it (by a merge across, or a pattern that looks ahead): a prompt is tokenised before its
answer exists. The ids of the whole text, cut at the pieces, are then what each piece must give.
  pieces.json          {variant: {"base": small-NAME.json, "members": {…}, "cases": [[[piece, …], [[id, …], …]], …]}}
"""

import json
import pathlib
import random
import sys

sys.path = [p for p in sys.path if pathlib.Path(p or ".").resolve() != pathlib.Path(__file__).resolve().parent]

import tokenizers  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402

assert tokenizers.__version__ == "0.22.2", tokenizers.__version__
OUT = pathlib.Path(__file__).resolve().parents[2] / "Tests/Fixtures/Tokenization"

PREPEND = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"},
                                               {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}


def metaspace(scheme, split):
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split}


def level(prefix):
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": True}


def sequence(*steps):
    return {"type": "Sequence", "pretokenizers": list(steps)}


VARIANTS = {
    "prepend": ("metaspace", {"normalizer": PREPEND, "pre_tokenizer": None}),
    "prepend-first": ("metaspace", {"normalizer": PREPEND, "pre_tokenizer": metaspace("first", False)}),
    "strip-prepend": ("metaspace", {"normalizer": {"type": "Sequence", "normalizers": [
        {"type": "Strip", "strip_left": True, "strip_right": False}, *PREPEND["normalizers"]]}, "pre_tokenizer": None}),
    "first": ("metaspace", {"normalizer": None, "pre_tokenizer": metaspace("first", False)}),
    "first-split": ("metaspace", {"normalizer": None, "pre_tokenizer": metaspace("first", True)}),
    "always": ("metaspace", {"normalizer": None, "pre_tokenizer": metaspace("always", False)}),
    "always-split": ("metaspace", {"normalizer": None, "pre_tokenizer": metaspace("always", True)}),
    "never": ("metaspace", {"normalizer": None, "pre_tokenizer": metaspace("never", True)}),
    "words-always": ("metaspace", {"normalizer": None, "pre_tokenizer": sequence(
        {"type": "WhitespaceSplit"}, metaspace("always", True))}),
    "prefix-space": ("smollm", {"normalizer": None, "pre_tokenizer": level(True)}),
    "digits-prefix-space": ("smollm", {"normalizer": None, "pre_tokenizer": sequence(
        {"type": "Digits", "individual_digits": True}, level(True))}),
    "no-prefix-space": ("smollm", {"normalizer": None, "pre_tokenizer": level(False)}),
}

ADDED = [  # content, special, flags
    ("<|right|>", True, {"rstrip": True}),
    ("<norm>", False, {"normalized": True}),
    ("<normright>", False, {"normalized": True, "rstrip": True}),
    ("<own>", False, {}),
    ("one", False, {"single_word": True}),
]

PIECES = ["<s>", "</s>", "<|right|>", "<norm>", "<normright>", "<own>", "one", "<s>the", "the</s>", "x <own> y", "a<norm>b", "<|right|>\n", "</s>\n", "\n",
          "\n\n", " ", "  ", " the", "the ", "the", "Hello", "Hello ", "\nHello", " world", "user\n", "[INST] ", " [/INST]", "1", "12 ", "é", "中文", "!",
          "The quick brown fox", "▁", "▁the", " \n", "\tx", "none", "_"]
FORMATS = [
    ["<s>[INST] ", "the thing", " [/INST]", " Hello </s>", "[INST] and", " [/INST]"],
    ["<|user|>\nthe thing</s>\n<|assistant|>\n", "Hello</s>", "\n<|user|>\nagain</s>\n<|assistant|>\n", "world</s>", "\n"],
    ["<s>", "", "the", "", " quick", ""],
    ["", "\nHello", "</s>", "\n", "the"],
    ["<|right|>\n", "Hello<|right|>", "\n<|right|>", " \n the", "<|right|>", "  ", "  x"],
    ["on", "one", " one", "one"],
    ["the<norm>", "the", "<normright>", "  the", "<norm>", "", "the"],
    ["the", "<own>", "the", " ", "the"],
]


def added(base):
    known = {token["content"] for token in base["added_tokens"]}
    size = max([*base["model"]["vocab"].values(), *(token["id"] for token in base["added_tokens"])]) + 1
    tokens = list(base["added_tokens"])
    if "<s>" not in known:
        tokens += [flags(size, "<s>", True, {}), flags(size + 1, "</s>", True, {})]
        size += 2
    return tokens + [flags(size + i, *token) for i, token in enumerate(ADDED)]


def flags(id, content, special, extra):
    return {"id": id, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
            "special": special, **extra}


def texts():
    rng = random.Random(20261128)
    cases = list(FORMATS)
    for _ in range(500):
        cases.append([rng.choice(PIECES) for _ in range(rng.randint(2, 6))])
    return cases


def expected(tokenizer, pieces):
    """The ids of the whole text by piece, or None where what follows a piece changes the ids of what stands before."""
    ids, done, text = [], [], ""
    for piece in pieces:
        text += piece
        found = tokenizer.encode(text, add_special_tokens=False).ids
        if found[: len(done)] != done:
            return None
        ids.append(found[len(done) :])
        done = found
    return ids


def variant(base, members):
    data = {**base, **members, "post_processor": None, "added_tokens": added(base)}
    return Tokenizer.from_str(json.dumps(data)), data["added_tokens"]


def write(name, result):
    path = OUT / name
    path.write_text(json.dumps(result, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(name, {key: len(value["cases"]) for key, value in result.items()}, path.stat().st_size, "bytes")


def cases(tokenizer):
    found = []
    for pieces in texts():
        ids = expected(tokenizer, pieces)
        if ids is not None:
            found.append([pieces, ids])
    return found[:80]


def main():
    result = {}
    for name, (base, members) in VARIANTS.items():
        data = json.loads((OUT / f"small-{base}.json").read_text())
        tokenizer, tokens = variant(data, members)
        result[name] = {"base": f"small-{base}.json", "members": {**members, "post_processor": None, "added_tokens": tokens},
                        "cases": cases(tokenizer)}
    write("pieces.json", result)


main()
