# Makes: Tests/Fixtures/LanguageModels/gemma3.json: a text as tokens, what llama.cpp and transformers make of it with the
#        weights of one GGUF file, and sixteen tokens that transformers goes on with.
# With:  requirements.txt of this folder, and llama-cpp-python 0.3.36 in the same environment.
# Run:   ANNEAL_ASSETS=... python scripts/reference/gemma3.py     (models/gemma-3-270m-q4_k_m.gguf in that folder)
#
# llama.cpp rounds activations to 8 bits where weights are quantised. So it computes the text twice: with the file as it is,
# and with the same numbers written out in 32 bits, which is what transformers and Anneal compute.
import ctypes
import json
import os
import tempfile
from pathlib import Path

import llama_cpp
import numpy as np
import torch
from transformers import AutoModelForCausalLM

OUT = Path(__file__).resolve().parents[2] / "Tests/Fixtures/LanguageModels/gemma3.json"
FOLDER, FILE = Path(os.environ["ANNEAL_ASSETS"]) / "models", "gemma-3-270m-q4_k_m.gguf"
TEXT = (
    "The history of the lighthouse begins long before the first tower of stone was raised beside the sea. Sailors who "
    "came home after dark looked for fires that their families kept burning on the hills, and a town that could afford it "
    "paid somebody to watch the flame all night. Later the fire was put into an iron basket, the basket on a mast, and "
    "the mast on a tower, so that it could be seen from farther away. In the eighteenth century engineers learned to build "
    "such towers on rocks that the tide covers twice a day; each stone was cut so that it locked into its neighbours, and "
    "the whole stood like the trunk of an oak. With the lens that Augustin Fresnel designed in 1822, a single lamp could "
    "be seen at a distance of thirty kilometres.")
PROMPT = 12


def by_llama_cpp(path):
    """The tokens of the text and the mean of their negative log-likelihoods."""
    model = llama_cpp.Llama(
        str(path), n_ctx=512, n_batch=512, n_threads=1, logits_all=True, verbose=False, type_k=0, type_v=0)
    ids = model.tokenize(TEXT.encode(), add_bos=True)
    model.eval(ids)
    logits = torch.from_numpy(np.array(model.scores[: len(ids) - 1], dtype=np.float64))
    return ids, torch.nn.functional.cross_entropy(logits, torch.tensor(ids[1:])).item()


def main():
    ids, quantised = by_llama_cpp(FOLDER / FILE)
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "f32.gguf"
        settings = llama_cpp.llama_model_quantize_default_params()
        settings.ftype, settings.allow_requantize = 0, True
        assert llama_cpp.llama_model_quantize(str(FOLDER / FILE).encode(), str(plain).encode(), ctypes.byref(settings)) == 0
        _, full = by_llama_cpp(plain)
    model = AutoModelForCausalLM.from_pretrained(
        FOLDER, gguf_file=FILE, dtype=torch.float32, attn_implementation="eager").eval()
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0, :-1].double()
        greedy = model.generate(torch.tensor([ids[:PROMPT]]), max_new_tokens=16, do_sample=False)[0, PROMPT:].tolist()
    OUT.write_text(json.dumps({
        "ids": ids, "llama_cpp": full, "llama_cpp_quantised": quantised,
        "loss": torch.nn.functional.cross_entropy(logits, torch.tensor(ids[1:])).item(), "prompt": PROMPT,
        "greedy": greedy}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
