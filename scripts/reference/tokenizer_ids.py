"""Makes Tests/Fixtures/Tokenization: a corpus of nasty strings and what HF `tokenizers` makes of them.

Pinned: tokenizers==0.22.2, gguf==0.19.0 (for the vocabulary inside a GGUF file).
Run:    ANNEAL_ASSETS=… python scripts/reference/tokenizer_ids.py
        python scripts/reference/tokenizer_ids.py --check FOLDER NAME     (needs transformers: a folder that Anneal wrote
        gives the ids of expected-NAME.json in `tokenizers` and in transformers)

Without ANNEAL_ASSETS (a folder with models/ and tokenizers/) only the small tokenizers are made anew. Files:
  corpus.json      the strings
  raw.json         byte strings that are not UTF-8, as hexadecimal, and the same decoded by Python
  scalars.json     digests of all scalars after a pattern's matches are taken out, and after each normaliser
  small-*.json     tokenizers trained here, with every kind of component
  expected-*.json  by tokenizer: a digest of the ids of every string (first 8 bytes of SHA-256 over the ids as
                   little-endian 32-bit numbers, in base64, all in one text), the ids of the first 100, and the number of
                   strings whose decoding is checked by digest in the same way
"""

import base64
import hashlib
import json
import os
import pathlib
import random
import struct
import sys

# The folder of this script holds a file of the library's name.
sys.path = [p for p in sys.path if pathlib.Path(p or ".").resolve() != pathlib.Path(__file__).resolve().parent]

import tokenizers  # noqa: E402
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers  # noqa: E402

assert tokenizers.__version__ == "0.22.2", tokenizers.__version__
OUT = pathlib.Path(__file__).resolve().parents[2] / "Tests/Fixtures/Tokenization"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace("{1,3}", "")

PIECES = [
    "👩‍👩‍👧‍👦", "👨🏿‍🚀", "🏳️‍🌈", "🇩🇪🇫🇷🇯", "1️⃣", "👍🏽", "❤️", "🫱🏻‍🫲🏿", "🧑‍🦽‍➡️",
    "e\u0301", "é", "A\u030a", "Å", "\u212b", "o\u0302\u0323", "o\u0323\u0302", "ộ", "ﬁ", "ǆ", "\u1e9b\u0323", "\u0344", "\u0340",
    "q\u0307\u0323", "a" + "\u0301" * 40, "\u0958", "\u0915\u093c", "क्षत्रिय", "ನಮಸ್ಕಾರ", "தமிழ்", "বাংলা", "ગુજરાતી", "മലയാളം", "ॐ",
    "漢字かな交じり文", "カタカナ", "ｶﾀｶﾅ", "が", "か\u3099", "は\u309a", "ゟ", "々〆〤", "中文，标点。", "㍿", "①②③", "𠮷野家", "𪜈", "\U00031350",
    "한국어", "\u1112\u1161\u11ab\u1100\u116e\u11a8", "각\u11a8", "가\u11a8", "ᄀᄀᄀ",
    "العربية", "مَرْحَبًا", "\u202eabc\u202c", "\u200f\u200eא\u05b0\u05bc", "שָׁלוֹם", "ﷺ", "\u0640\u0640", "ไทยแลนด์", "ພາສາລາວ", "བོད་སྐད", "ខ្មែរ",
    "\x00", "\x01\x02\x7f", "\x1b[31mred\x1b[0m", "\x0b\x0c", "\x1c\x1d\x1e\x1f", "\x85", "\ufeff", "\u200b", "\u2060", "\u180e", "\ufffd", "\ufffe",
    "1234567890", "12345678901234567890123", "3.14159", "1,000,000", "0x1F", "٣٤٥", "१२३", "Ⅷ", "ⅷ", "½¾", "²³", "𝟘𝟙", "〇一二", "৳", "௧",
    " ", "  ", "   ", "\t", "\n", "\r\n", "\n\n", " \n ", "\u00a0", "\u2003", "\u3000", "\u0085", "\u2028", "\u2029", "\u1680", "\u202f", "\u205f", "\t \t",
    "def f(x):\n    return x**2  # ok\n", "if (a&&b){c[i]++;}", "<div class=\"x\">&nbsp;</div>", "SELECT * FROM t WHERE a='b';", "\\frac{a}{b}", "```py\n```",
    "https://example.com/a?b=c&d=%20#x", "user@mail.org", "C:\\Windows\\", "a/b/c.txt", "--flag=1", "$PATH",
    "I'm", "I'M", "you'll", "YOU'LL", "don't", "it's", "IT'S", "we've", "they're", "he'd", "it’s", "'s", "'S", "'ſ", "'Re", "''ll", "x'T",
    "camelCase", "HTTPServer", "snake_case_name", "ALLCAPS", "İstanbul", "ıI", "ßẞ", "Straße", "ΣΊΣΥΦΟΣ", "ς", "Ǆ", "ﬀ", "K", "µ",
    "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|im_start", "im_end|>", "<|im_start|>user\nhi<|im_end|>\n", "<|im_end|><|im_end|>", "<｜end▁of▁sentence｜>",
    "<｜begin▁of▁sentence｜>", "<|fim_prefix|>", "<tool_call>", "</tool_call>", "<s>", "</s>", "<|END|>", "<left>", "<right>", "<both>", "word", "<NORM>", "<norm>", "<é>",
    "<e\u0301>", "▁", "Ġ", "Ċ", "ĠĠ", "<0x41>", "\\n", "!!!", "...", "…", "—", "«»", "“”", "€£¥", "≠≤≥", "→", "☃", "♠", "✓", "´", "¨", "`", "^", "~", "|", "+=", "§",
    "hello", "world", "The quick brown fox", "jumps over", "the", "and", "Hello World", "supercalifragilisticexpialidocious", "aaaaaaaaaaaaaaaaaaaa",
    "été", "naïve", "Ærøskøbing", "Việt Nam", "Łódź", "žluťoučký kůň", "Привет мир", "ЁЖ", "Ђорђе", "Ελλάδα", "Հայերեն", "ქართული", "አማርኛ", "ᏣᎳᎩ", "ꦗꦮ",
    "\U00010400\U00010428", "𝔘𝔫𝔦", "𐍈", "\U0001f9d1\u200d\U0001f4bb", "\U0001fae8", "\U0001e4d0", "\U00011f02", "\U0001e030", "\U00010efd", "\u0897", "\u1c89", "\U00016d40",
    "\U000e0061", "\U0010ffff", "\U000f0000", "\ue000", "\u0378", "\U0001ffff", "\u0870", "\U0001dfa0",
]


def corpus():
    rng = random.Random(20261123)
    strings = ["", *PIECES]
    for _ in range(900):
        joint = rng.choice(["", "", " ", " ", "\n", "  "])
        strings.append(joint.join(rng.choice(PIECES) for _ in range(rng.randint(2, 8))))
    for _ in range(300):  # white space of all kinds between words
        spaces = " \t\n\r\u00a0\u2003\u3000\u0085\u2028\u2029\u1680\u202f\x0b\x0c\u200b\u180e"
        text = ""
        for _ in range(rng.randint(2, 6)):
            text += rng.choice(["a", "Hi", "9", "é", "中", "!", "", "<both>", "<|im_end|>", "word"])
            text += "".join(rng.choice(spaces) for _ in range(rng.randint(0, 4)))
        strings.append(text)
    for _ in range(300):  # scalars of all planes, assigned or not
        text = ""
        for _ in range(rng.randint(1, 12)):
            c = rng.choice([rng.randrange(0x80), rng.randrange(0x800), rng.randrange(0x3000), rng.randrange(0x10000),
                            rng.randrange(0x10000, 0x20000), rng.randrange(0x110000)])
            text += "" if 0xD800 <= c < 0xE000 else chr(c)
        strings.append(text)
    for _ in range(200):  # marks in disorder
        marks = "\u0300\u0301\u0323\u0327\u0345\u0334\u05b0\u0651\u093c\u094d\u3099\u309a\u0e38\u1dce\U0001d165\u0897\U00010efd"
        text = ""
        for _ in range(rng.randint(1, 5)):
            text += rng.choice("aeoquAEO가か\u0915\u05d0\u0644é") + "".join(rng.choice(marks) for _ in range(rng.randint(0, 5)))
        strings.append(text)
    for _ in range(150):  # words of a language model's daily bread
        words = "the of and to in is that for it as was with be by on not he I this are or his from at which but have an".split()
        strings.append(" ".join(rng.choice(words) + rng.choice(["", "", ",", ".", "'s", "!"]) for _ in range(rng.randint(5, 25))))
    strings.append("ab" * 3000)
    strings.append(" " * 500 + "x")
    strings.append("\n" * 300)
    strings.append("".join(chr(rng.randrange(0x4E00, 0x9FFF)) for _ in range(700)))
    return strings


def raw():
    rng = random.Random(7)
    cases = [b"\xff", b"a\x80b", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf5\x80\x80\x80", b"ok\xe2\x28\xa1ok",
             b"\xf0\x9f\x98\x80\xf0\x9f", b"\xe0\x80\x80", b"\xf4\x90\x80\x80", b"\xf0\x80\x80\x80"]
    cases += [bytes(rng.choice([rng.randrange(256), rng.randrange(0x80, 0x100), 0x41]) for _ in range(rng.randint(1, 16)))
              for _ in range(100)]
    return [{"bytes": c.hex(), "text": c.decode("utf-8", errors="replace")} for c in cases]


def digest(data):
    return hashlib.sha256(data).digest()[:8]


def expected(tokenizer, strings, name):
    ids = [tokenizer.encode(s, add_special_tokens=False).ids for s in strings]
    texts = [tokenizer.decode(i, skip_special_tokens=False) for i in ids]
    bare = [tokenizer.decode(i, skip_special_tokens=True) for i in ids]
    pack = lambda parts: base64.b64encode(b"".join(parts)).decode()
    result = {
        "count": len(strings),
        "ids": pack(digest(struct.pack(f"<{len(i)}i", *i)) for i in ids),
        "texts": pack(digest(t.encode()) for t in texts),
        "bareTexts": pack(digest(t.encode()) for t in bare),
        "first": ids[:100],
        "withSpecialTokens": [tokenizer.encode(s, add_special_tokens=True).ids for s in strings[:30]],
    }
    path = OUT / f"expected-{name}.json"
    path.write_text(json.dumps(result, separators=(",", ":")) + "\n")
    print(name, sum(map(len, ids)), "ids", path.stat().st_size, "bytes")


def small_tokenizers(strings):
    """Trained on half of the corpus and some prose, so that both known and unknown words occur."""
    prose = [s for s in strings if len(s) < 500][::2] + ["The quick brown fox jumps over the lazy dog. " * 3, "hello world " * 20]

    def bpe(pre, vocab=900, normalizer=None, special=("<|endoftext|>",), decoder=None, alphabet=True, **model):
        t = Tokenizer(models.BPE(**model))
        t.pre_tokenizer = pre
        if normalizer is not None:
            t.normalizer = normalizer
        t.decoder = decoder or decoders.ByteLevel()
        trainer = trainers.BpeTrainer(vocab_size=vocab, special_tokens=list(special), show_progress=False,
                                      initial_alphabet=pre_tokenizers.ByteLevel.alphabet() if alphabet else [])
        t.train_from_iterator(prose, trainer)
        return t

    level = lambda regex=False, prefix=False: pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=regex)
    split = lambda p, b="isolated", i=False: pre_tokenizers.Split(Regex(p), b, invert=i)
    seq = pre_tokenizers.Sequence
    made = {}

    t = bpe(seq([pre_tokenizers.Digits(individual_digits=True), level(True)]), special=["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    made["smollm"] = t

    t = bpe(seq([split(QWEN2), level()]), normalizer=normalizers.NFC())
    t.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    t.add_tokens([AddedToken("<left>", lstrip=True, normalized=False), AddedToken("<right>", rstrip=True, normalized=False),
                  AddedToken("<both>", lstrip=True, rstrip=True, normalized=False), AddedToken("word", single_word=True, normalized=True),
                  AddedToken("<é>", normalized=True), AddedToken("<tool_call>", normalized=False), AddedToken("<|im", normalized=False)])
    made["qwen2"] = t

    t = bpe(seq([split(LLAMA3), level()]), special=["<s>", "<|endoftext|>", "<|im_end|>"], ignore_merges=True)
    # A token that the merges cannot make: only `ignore_merges` finds it.
    data = json.loads(t.to_str())
    data["model"]["vocab"]["camelCase"] = max(data["model"]["vocab"].values()) + 1
    t = Tokenizer.from_str(json.dumps(data))
    t.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 0)])])
    made["llama3"] = t

    t = bpe(seq([pre_tokenizers.Punctuation("contiguous"), level(True, True), pre_tokenizers.Digits(), split("[0-9][0-9][0-9]")]),
            normalizer=normalizers.Sequence([normalizers.NFKD(), normalizers.Lowercase(), normalizers.Replace(Regex(r"\s{2,}"), "  "),
                                             normalizers.Replace("!", "?")]))
    t.add_tokens([AddedToken("<NORM>", normalized=True)])
    made["falcon"] = t

    t = bpe(seq([pre_tokenizers.WhitespaceSplit(), split(r"\p{Lu}", "merged_with_next"), split(r"[.,;]", "merged_with_previous"),
                 split(r"[a-z]+", "removed", True), pre_tokenizers.Split("er", "contiguous"), level()]),
            normalizer=normalizers.Sequence([normalizers.NFD(), normalizers.Strip(), normalizers.Prepend("Q")]))
    made["splits"] = t

    t = bpe(pre_tokenizers.Metaspace(prepend_scheme="first"), alphabet=False, special=["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)],
            vocab=700, unk_token="<unk>", fuse_unk=True, byte_fallback=True,
            decoder=decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]))
    data = json.loads(t.to_str())
    data["added_tokens"] = [a for a in data["added_tokens"] if not a["content"].startswith("<0x")]
    made["metaspace"] = Tokenizer.from_str(json.dumps(data))

    t = bpe(pre_tokenizers.Whitespace(), alphabet=False, special=["<unk>"], vocab=400, unk_token="<unk>", fuse_unk=True,
            normalizer=normalizers.NFKC(), decoder=decoders.Metaspace())
    data = json.loads(t.to_str())
    keep = {k for k in data["model"]["vocab"] if len(k) > 1 or ord(k) < 0x250 or k == "<unk>"}
    data["model"]["vocab"] = {k: i for i, k in enumerate(k for k in data["model"]["vocab"] if k in keep)}
    data["model"]["merges"] = [m for m in data["model"]["merges"] if m[0] in keep and m[1] in keep and "".join(m) in keep]
    made["whitespace"] = Tokenizer.from_str(json.dumps(data))

    t = bpe(seq([split(r"[\p{L}&&[^\p{Han}]]+|\p{Han}+|\h{2}|\b\w+\b|\W"), level()]))
    made["classes"] = t

    for name, tokenizer in made.items():
        path = OUT / f"small-{name}.json"
        data = json.loads(tokenizer.to_str())
        if name in ("smollm", "splits"):  # the older way to write merges
            data["model"]["merges"] = [" ".join(m) for m in data["model"]["merges"]]
        path.write_text(json.dumps(data, ensure_ascii=name == "qwen2", separators=(",", ":")) + "\n")
        expected(Tokenizer.from_file(str(path)), strings, name)


def from_gguf(path):
    """The tokenizer inside a GGUF file with `tokenizer.ggml.pre` = smollm, put together by hand: transformers' own
    conversion loses the individual digits."""
    from gguf import GGUFReader

    fields = GGUFReader(path).fields
    read = lambda key: fields[key].contents()
    assert read("tokenizer.ggml.pre") == "smollm"
    tokens = read("tokenizer.ggml.tokens")
    merges = [tuple(m.split(" ")) for m in read("tokenizer.ggml.merges")]
    t = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    t.decoder = decoders.ByteLevel()
    types = read("tokenizer.ggml.token_type")
    t.add_special_tokens([AddedToken(x, normalized=False, special=True) for x, kind in zip(tokens, types) if kind in (2, 3)])
    t.add_tokens([AddedToken(x, normalized=False) for x, kind in zip(tokens, types) if kind == 4])
    return t


def gpt2(folder):
    t = Tokenizer(models.BPE.from_file(str(folder / "encoder.json"), str(folder / "vocab.bpe")))
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    t.add_special_tokens(["<|endoftext|>"])
    return t


def scalars():
    text = "".join(chr(c) + "a" for c in range(0x110000) if not 0xD800 <= c < 0xE000)
    result = {"patterns": {}, "normalizers": {}}
    patterns = [r"\p{L}", r"\p{N}", r"\p{P}", r"\p{S}", r"\p{M}", r"\s", r"\w", r"\d", r"\p{Han}", r"(?i:s|k)"]
    for pattern in patterns:
        pieces = pre_tokenizers.Split(Regex(pattern), "removed").pre_tokenize_str(text)
        result["patterns"][pattern] = digest("".join(p for p, _ in pieces).encode()).hex()
    for name in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase"):
        result["normalizers"][name] = digest(getattr(normalizers, name)().normalize_str(text).encode()).hex()
    (OUT / "scalars.json").write_text(json.dumps(result, indent=1) + "\n")


def check(folder, name):
    from transformers import AutoTokenizer

    strings = json.loads((OUT / "corpus.json").read_text())
    wanted = base64.b64decode(json.loads((OUT / f"expected-{name}.json").read_text())["ids"])
    own = Tokenizer.from_file(f"{folder}/tokenizer.json")
    auto = AutoTokenizer.from_pretrained(folder)
    wrong = [0, 0]
    for i, s in enumerate(strings):
        for k, ids in enumerate((own.encode(s, add_special_tokens=False).ids, auto(s, add_special_tokens=False)["input_ids"])):
            wrong[k] += digest(struct.pack(f"<{len(ids)}i", *ids)) != wanted[8 * i : 8 * i + 8]
    print(f"{len(strings)} strings, different in tokenizers: {wrong[0]}, in transformers: {wrong[1]};",
          f"bos {auto.bos_token_id}, eos {auto.eos_token_id}, pad {auto.pad_token_id}, unk {auto.unk_token_id}")
    sys.exit(any(wrong))


def main():
    if sys.argv[1:2] == ["--check"]:
        check(*sys.argv[2:4])
    OUT.mkdir(parents=True, exist_ok=True)
    strings = corpus()
    (OUT / "corpus.json").write_text(json.dumps(strings, separators=(",", ":")) + "\n")
    (OUT / "raw.json").write_text(json.dumps(raw(), separators=(",", ":")) + "\n")
    print(len(strings), "strings")
    scalars()
    small_tokenizers(strings)
    assets = os.environ.get("ANNEAL_ASSETS")
    if not assets:
        return
    assets = pathlib.Path(assets)
    expected(from_gguf(assets / "models/SmolLM2-135M-Instruct.Q4_1.gguf"), strings, "smollm2-gguf")
    expected(gpt2(assets / "tokenizers/gpt2"), strings, "gpt2")
    for name in ("qwen3", "deepseek"):
        expected(Tokenizer.from_file(str(assets / f"tokenizers/{name}/tokenizer.json")), strings, name)


main()
