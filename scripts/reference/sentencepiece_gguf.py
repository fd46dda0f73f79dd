"""Makes what the tests of SentencePiece vocabularies in GGUF files compare with, into Tests/Fixtures/Tokenization:

  pieces-spm.json         the pieces, scores and types of a small model trained here, as a GGUF file lists them
  expected-spm-*.json     by kind of file, as tokenizer_ids.py writes them: ids by llama.cpp, texts by `tokenizers`, which
                          spm-phi3 has both from
  ../Command/tiny-gemma3.gguf      a tiny Gemma 3 with these pieces
  expected-gemma3-gguf.json, expected-mistral-v1.json      the same of real models, with ANNEAL_ASSETS

Pinned: llama-cpp-python==0.3.36, gguf==0.19.0, sentencepiece==0.2.1, tokenizers==0.22.2, transformers==5.6.2
        (for its order of merges).
Run:    ANNEAL_ASSETS=… python scripts/reference/sentencepiece_gguf.py
        python scripts/reference/sentencepiece_gguf.py --gguf MODEL OUT     writes a `tokenizer.model` as a GGUF file
        python scripts/reference/sentencepiece_gguf.py --ids GGUF < LINES   ids by llama.cpp of JSON strings, a line each

It counts the strings on which llama.cpp and the same model as a `tokenizer.json` differ.
"""

import base64
import hashlib
import io
import json
import os
import pathlib
import struct
import sys
import tempfile

import gguf
import llama_cpp
import numpy as np
import sentencepiece
import tokenizers
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers

assert (llama_cpp.__version__, tokenizers.__version__) == ("0.3.36", "0.22.2")
OUT = pathlib.Path(__file__).resolve().parents[2] / "Tests/Fixtures/Tokenization"
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
MARK = "\u2581"


def trained(strings):
    """A model of 1,100 pieces with what real ones have: bytes, runs of spaces and newlines, control tokens, unused ones."""
    lines = [x for s in strings if len(s) < 500 for x in s.splitlines() if x.strip() and max(map(ord, x)) < 0x600]
    lines += ["The quick brown fox jumps over the lazy dog, hello world of the and to in that is"] * 30
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=out, model_type="bpe", vocab_size=1100, byte_fallback=True,
        character_coverage=0.98, normalization_rule_name="identity", remove_extra_whitespaces=False,
        add_dummy_prefix=False, num_threads=1, minloglevel=2, pad_id=0, eos_id=1, bos_id=2, unk_id=3,
        control_symbols=["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<start_of_turn>", "<end_of_turn>", "<|user|>"],
        user_defined_symbols=["[multimodal]", *("\n" * n for n in range(1, 6)), *(MARK * n for n in range(2, 8)),
                              *("\t" * n for n in range(1, 4)), "<tool_call>", "</tool_call>", "<em>", "word"])
    return pieces_of(out.getvalue())


def pieces_of(model):
    """Tokens, scores and types as llama.cpp's converter writes them, of the bytes of a `tokenizer.model`."""
    proto = sentencepiece_model_pb2.ModelProto.FromString(model)
    kinds = sentencepiece_model_pb2.ModelProto.SentencePiece
    types = {kinds.NORMAL: NORMAL, kinds.UNKNOWN: UNKNOWN, kinds.CONTROL: CONTROL, kinds.USER_DEFINED: USER_DEFINED,
             kinds.UNUSED: UNUSED, kinds.BYTE: BYTE}
    made = {"tokens": [], "scores": [], "types": []}
    for piece in proto.pieces:
        kind = types[piece.type]
        # The converter writes the spaces of such tokens as they stand in a text.
        made["tokens"].append(piece.piece.replace(MARK, " ") if kind == USER_DEFINED else piece.piece)
        made["scores"].append(-1000.0 if kind == USER_DEFINED else piece.score)
        made["types"].append(kind)
    spec = proto.trainer_spec
    return made, {"bos": spec.bos_id, "eos": spec.eos_id, "unknown": spec.unk_id, "padding": spec.pad_id}


def write_vocabulary(writer, pieces, specials, adds_prefix):
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(pieces["tokens"])
    writer.add_token_scores(pieces["scores"])
    writer.add_token_types(pieces["types"])
    for key, value in specials.items():
        if value >= 0:
            writer.add_uint32(f"tokenizer.ggml.{key}_token_id", value)
    if adds_prefix is not None:
        writer.add_add_space_prefix(adds_prefix)


def write_gguf(path, pieces, specials, name="small", adds_prefix=None):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(name)
    write_vocabulary(writer, pieces, specials, adds_prefix)
    # llama.cpp wants these of every model.
    writer.add_context_length(512)
    writer.add_embedding_length(32)
    writer.add_block_count(1)
    writer.add_feed_forward_length(64)
    writer.add_head_count(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_tiny_gemma(path, pieces, specials):
    """A Gemma 3 of two blocks with numbers drawn at random, in 16 bits: the second block sees the whole text."""
    size, inner, heads, head, blocks = 16, 32, 2, 8, 2
    writer = gguf.GGUFWriter(path, "gemma3")
    writer.add_name("tiny gemma 3")
    writer.add_context_length(512)
    writer.add_embedding_length(size)
    writer.add_block_count(blocks)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(heads)
    writer.add_head_count_kv(1)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1e6)
    writer.add_sliding_window(16)
    writer.add_uint32("gemma3.attention.sliding_window_pattern", blocks)
    write_vocabulary(writer, pieces, specials, False)
    random = np.random.default_rng(3)
    matrix = lambda name, *shape: writer.add_tensor(name, random.normal(0, 0.2, shape).astype(np.float16))
    # Stored with the 1 that transformers adds when it computes.
    norm = lambda name, count: writer.add_tensor(name, (1 + random.normal(0, 0.1, count)).astype(np.float32))
    matrix("token_embd.weight", len(pieces["tokens"]), size)
    norm("output_norm.weight", size)
    for block in (f"blk.{i}." for i in range(blocks)):
        for name in ("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"):
            norm(f"{block}{name}.weight", size)
        for name in ("attn_q_norm", "attn_k_norm"):
            norm(f"{block}{name}.weight", head)
        matrix(block + "attn_q.weight", heads * head, size)
        matrix(block + "attn_k.weight", head, size)
        matrix(block + "attn_v.weight", head, size)
        matrix(block + "attn_output.weight", size, heads * head)
        matrix(block + "ffn_gate.weight", inner, size)
        matrix(block + "ffn_up.weight", inner, size)
        matrix(block + "ffn_down.weight", size, inner)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


class Vocabulary:
    """llama.cpp's reading of a GGUF file."""

    def __init__(self, path):
        self.model = llama_cpp.Llama(model_path=str(path), vocab_only=True, verbose=False)

    def ids(self, text, bos=False):
        return self.model.tokenize(text.encode(), add_bos=bos, special=True)


def as_tokenizers(pieces, unknown, adds_prefix, strips_right=()):
    """The same model as a byte-pair one, its merges in the order of transformers' `generate_merges`."""
    from transformers.tokenization_utils_sentencepiece import generate_merges

    tokens, types = pieces["tokens"], pieces["types"]
    vocab = {token: i for i, token in enumerate(tokens)}
    skipped = [t for t, kind in zip(tokens, types) if kind in (UNKNOWN, CONTROL, BYTE)]
    merges = generate_merges(vocab, list(zip(tokens, pieces["scores"])), skipped)
    t = Tokenizer(models.BPE(vocab=vocab, merges=merges, unk_token=tokens[unknown], fuse_unk=True, byte_fallback=True))
    steps = [normalizers.Replace(" ", MARK)]
    t.normalizer = normalizers.Sequence([normalizers.Prepend(MARK), *steps]) if adds_prefix else steps[0]
    back = [decoders.Replace(MARK, " "), decoders.ByteFallback(), decoders.Fuse()]
    t.decoder = decoders.Sequence([*back, decoders.Strip(" ", 1, 0)] if adds_prefix else back)
    added = lambda x: AddedToken(x, normalized=False, rstrip=x in strips_right)
    t.add_special_tokens([added(x) for x, kind in zip(tokens, types) if kind in (UNKNOWN, CONTROL)])
    t.add_tokens([added(x) for x, kind in zip(tokens, types) if kind == USER_DEFINED])
    return t


def expected(name, strings, truth, tokenizer, by_tokenizers=False):
    ids = [truth.ids(s) for s in strings]
    own = [tokenizer.encode(s, add_special_tokens=False).ids for s in strings]
    other = [i for i in range(len(strings)) if own[i] != ids[i]]
    ids = own if by_tokenizers else ids
    digest = lambda data: hashlib.sha256(data).digest()[:8]
    pack = lambda parts: base64.b64encode(b"".join(map(digest, parts))).decode()
    text = lambda skips: pack(tokenizer.decode(i, skip_special_tokens=skips).encode() for i in ids)
    result = {
        "count": len(strings), "ids": pack(struct.pack(f"<{len(i)}i", *i) for i in ids), "texts": text(False),
        "bareTexts": text(True), "first": ids[:100],
        "withSpecialTokens": [] if by_tokenizers else [truth.ids(s, bos=True) for s in strings[:30]],
    }
    (OUT / f"expected-{name}.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")
    print(name, sum(map(len, ids)), "ids; strings on which `tokenizers` differs:", len(other), [strings[i] for i in other[:5]])


def main():
    if sys.argv[1:2] == ["--gguf"]:
        pieces, specials = pieces_of(pathlib.Path(sys.argv[2]).read_bytes())
        write_gguf(sys.argv[3], pieces, specials)
        return
    if sys.argv[1:2] == ["--ids"]:
        vocabulary = Vocabulary(sys.argv[2])
        for line in sys.stdin:
            print(json.dumps(vocabulary.ids(json.loads(line))))
        return
    strings = json.loads((OUT / "corpus.json").read_text())
    pieces, specials = trained(strings)
    # Two pieces that the model may not use: SentencePiece cuts them again, llama.cpp and `tokenizers` do not.
    for text in (MARK + "the", MARK + "hello"):
        pieces["types"][pieces["tokens"].index(text)] = UNUSED
    (OUT / "pieces-spm.json").write_text(json.dumps({**pieces, **specials}, separators=(",", ":")) + "\n")
    write_tiny_gemma(OUT.parent / "Command/tiny-gemma3.gguf", pieces, specials)
    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/model.gguf"
        # The prefix is what llama.cpp puts there when the file does not say.
        for name, adds_prefix in (("llama", None), ("gemma", False)):
            write_gguf(path, pieces, specials, adds_prefix=adds_prefix)
            expected("spm-" + name, strings, Vocabulary(path), as_tokenizers(pieces, specials["unknown"], adds_prefix is None))
        # Phi 3 has no tokens of white space. What its tokens strip is white space of Unicode in transformers, that of C in
        # llama.cpp: the strings that differ have other spaces in them.
        plain = [NORMAL if x.isspace() else kind for x, kind in zip(pieces["tokens"], pieces["types"])]
        pieces = {**pieces, "types": plain}
        strips = [x for x in pieces["tokens"] if x not in ("<unk>", "<s>", "<|endoftext|>")]
        write_gguf(path, pieces, specials, "Phi-3 small")
        expected("spm-phi3", strings, Vocabulary(path), as_tokenizers(pieces, specials["unknown"], True, strips), True)
        if assets := os.environ.get("ANNEAL_ASSETS"):
            real, specials = pieces_of(pathlib.Path(assets, "tokenizers/mistral/tokenizer.model.v1").read_bytes())
            write_gguf(path, real, specials)
            expected("mistral-v1", strings, Vocabulary(path), as_tokenizers(real, specials["unknown"], True))
            gemma = pathlib.Path(assets, "models/gemma-3-270m-q4_k_m.gguf")
            fields = gguf.GGUFReader(gemma).fields
            read = lambda key: fields["tokenizer.ggml." + key].contents()
            real = {"tokens": read("tokens"), "scores": read("scores"), "types": read("token_type")}
            expected("gemma3-gguf", strings, Vocabulary(gemma), as_tokenizers(real, read("unknown_token_id"), False))


main()
