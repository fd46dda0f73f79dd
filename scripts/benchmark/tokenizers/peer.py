"""Encodes a text with HF's library in a process of its own; prints the seconds, and the ids on request.

usage: peer.py TOKENIZER (whole|lines) (seconds|ids) TEXT
"""

import json
import sys
import time

from tokenizers import Tokenizer

folder, cut, wanted, path = sys.argv[1:]
tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
with open(path, encoding="utf-8", newline="") as file:
    texts = [file.read()]
if cut == "lines":
    texts = texts[0].split("\n")
    if not texts[-1]:
        texts.pop()

start = time.perf_counter()
if cut == "lines":
    encodings = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
else:
    encodings = [tokenizer.encode(texts[0], add_special_tokens=False)]
seconds = time.perf_counter() - start

if wanted == "seconds":
    print(seconds)
else:
    for encoding in encodings:
        print(json.dumps(encoding.ids))
