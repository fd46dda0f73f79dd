"""Makes Tests/Fixtures/Tokenization/settings.json: files beside `tokenizer.json`, and what transformers makes of the folder.

Pinned: transformers==5.6.2, tokenizers==0.22.2.
Run:    python scripts/reference/tokenizer_settings.py

The tokenizer is small-smollm.json. {case: {"files", "text", "ids", "bare": the text of the ids without special tokens,
"bos", "eos", "pad"}}
"""

import json
import pathlib
import sys
import tempfile

sys.path = [p for p in sys.path if pathlib.Path(p or ".").resolve() != pathlib.Path(__file__).resolve().parent]

import transformers  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402

assert transformers.__version__ == "5.6.2", transformers.__version__
OUT = pathlib.Path(__file__).resolve().parents[2] / "Tests/Fixtures/Tokenization"
TEXT = "a <x> b <y>c <|im_end|> d"
END = "<|im_end|>"


def config(**members):
    return {"tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", **members}}


def flagged(content, **flags):
    return {"__type": "AddedToken", "content": content, "lstrip": False, "rstrip": False, "single_word": False,
            "normalized": False, **flags}


CASES = {
    "nothing": config(),
    "additional": config(additional_special_tokens=["<y>", "<x>"]),
    "additional with flags": config(additional_special_tokens=["<y>", flagged("<x>", lstrip=True)]),
    "extra list": config(extra_special_tokens=["<x>"]),
    "extra before additional": config(additional_special_tokens=["<y>"], extra_special_tokens=["<x>"]),
    "extra map": config(extra_special_tokens={"image_token": "<x>", "own": "<y>"}),
    "tokens with names of their own": config(image_token="<x>", cls_token="<y>"),
    "named and nowhere": config(pad_token="<x>"),
    "named with flags": config(pad_token=flagged("<x>", lstrip=True)),
    "named does not override": config(eos_token=flagged(END, lstrip=True)),
    "a token of the vocabulary": config(additional_special_tokens=["c"]),
    "decoder in another order": config(added_tokens_decoder={"901": {"content": "<y>", "special": True},
                                                             "900": {"content": "<x>", "special": False}}),
    "decoder overrides flags": config(added_tokens_decoder={"2": {"content": END, "special": True, "lstrip": True, "rstrip": True}}),
    "decoder makes it normalized": config(added_tokens_decoder={"2": {"content": END, "special": True, "normalized": True}}),
    "map overrides": {**config(eos_token=END), "special_tokens_map.json": {"eos_token": "<|im_start|>", "pad_token": "<x>"}},
    "map overrides with null": {**config(eos_token=END), "special_tokens_map.json": {"eos_token": None}},
    "map fills null": {**config(bos_token=None), "special_tokens_map.json": {"bos_token": "<|im_start|>"}},
    "map counts for nothing beside a decoder": {**config(eos_token=END, added_tokens_decoder={"2": {"content": END, "special": True}}),
                                                "special_tokens_map.json": {"eos_token": "<|im_start|>", "pad_token": "<x>"}},
    "map with additional": {"special_tokens_map.json": {"eos_token": {"content": END, "lstrip": True}, "additional_special_tokens": ["<x>"]}},
    "map extends extra": {**config(extra_special_tokens=["<y>"]), "special_tokens_map.json": {
        "extra_special_tokens": ["<x>", {"content": "<z>", "lstrip": True}]}},
    "added tokens": {**config(), "added_tokens.json": {"<y>": 901, "<x>": 900}},
    "special added tokens": {**config(additional_special_tokens=["<x>"]), "added_tokens.json": {"<x>": 901, "<y>": 900}},
    "added tokens count for nothing beside a decoder": {**config(added_tokens_decoder={"2": {"content": END, "special": True}}),
                                                        "added_tokens.json": {"<x>": 900}},
}


def main():
    result = {}
    for name, files in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "tokenizer.json").write_text((OUT / "small-smollm.json").read_text())
            for file, content in files.items():
                (folder / file).write_text(json.dumps(content))
            t = AutoTokenizer.from_pretrained(folder)
            ids = t(TEXT, add_special_tokens=False)["input_ids"]
            result[name] = {"files": files, "text": TEXT, "ids": ids, "bare": t.decode(ids, skip_special_tokens=True),
                            "bos": t.bos_token, "eos": t.eos_token, "pad": t.pad_token}
    path = OUT / "settings.json"
    path.write_text(json.dumps(result, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(len(result), "cases", path.stat().st_size, "bytes")


main()
