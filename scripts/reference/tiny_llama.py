# Makes: Tests/Fixtures/LanguageModels/{gqa,tied,llama3,qwen2}: tiny random models as Hugging Face folders, and what
#        transformers computes with them: logits at every position, negative log likelihoods, all gradients.
# With:  requirements.txt of this folder (torch 2.13.0+cpu, transformers 5.6.2).
# Run:   python scripts/reference/tiny_llama.py
#
# Weights are random, then rounded to bfloat16 (the files are half as large and reading bf16 is tested with them); the
# reference runs in float32 from the rounded values. Sequences are computed as one right-padded batch with an attention
# mask, so that the packed, unpadded computation of Anneal is checked against an independent layout.
import json
import random
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

OUT = Path(__file__).resolve().parents[2] / "Tests/Fixtures/LanguageModels"
IGNORED = -100

SHAPES = {
    # Grouped queries (4 heads over 2), an output head of its own, sizes that fill no vector.
    "gqa": dict(
        vocab_size=90, hidden_size=64, intermediate_size=72, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=128, rms_norm_eps=1e-5, tie_word_embeddings=False,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0}),
    # Embedding and head are one tensor; heads × head size is not the hidden size; projections have biases.
    "tied": dict(
        vocab_size=67, hidden_size=42, intermediate_size=56, num_hidden_layers=3, num_attention_heads=3, head_dim=16,
        num_key_value_heads=1, max_position_embeddings=128, rms_norm_eps=1e-6, tie_word_embeddings=True,
        attention_bias=True, rope_parameters={"rope_type": "default", "rope_theta": 500.0}),
    # Llama 3's stretched rotary frequencies, with lengths so short that all three of its branches are used.
    "llama3": dict(
        vocab_size=50, hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=128, rms_norm_eps=1e-5, tie_word_embeddings=True,
        rope_parameters={
            "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 32}),
    # Another family: biases on query, key and value that no key of the configuration tells.
    "qwen2": dict(
        vocab_size=50, hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=128, rms_norm_eps=1e-6, tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 1000.0}),
}
SEEDS = {"gqa": 7, "llama3": 8, "tied": 9, "qwen2": 10}
WITH_GRADIENTS = ["gqa", "tied"]  # those of the others would test nothing more


def tiny_model(name):
    """The model of `SHAPES[name]`, its random weights rounded to bfloat16, computing in float32."""
    torch.manual_seed(SEEDS[name])
    config_class, model_class = (
        (Qwen2Config, Qwen2ForCausalLM) if name == "qwen2" else (LlamaConfig, LlamaForCausalLM))
    config = config_class(**SHAPES[name], attn_implementation="eager", bos_token_id=1, eos_token_id=2)
    model = model_class(config).float().eval()
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            if parameter_name.endswith("norm.weight"):
                values = 1 + 0.2 * torch.randn_like(parameter)
            elif parameter_name.endswith(".bias"):
                values = 0.1 * torch.randn_like(parameter)
            else:
                values = 0.15 * torch.randn_like(parameter)
            parameter.copy_(values.bfloat16().float())
    return model


def random_sequences(vocabulary, lengths, seed):
    """Token ids and which of them are labels; the first token of a sequence never is one."""
    source = random.Random(seed)
    sequences = []
    for length in lengths:
        ids = [source.randrange(vocabulary) for _ in range(length)]
        start = source.randrange(1, max(2, length // 2))
        trained = [t >= start and source.random() < 0.8 for t in range(length)]
        if length > 1 and not any(trained):
            trained[-1] = True
        sequences.append({"ids": ids, "trained": trained})
    return sequences


def padded(sequences):
    """(ids, attention mask, labels), right-padded to the longest."""
    width = max(len(s["ids"]) for s in sequences)
    ids = torch.zeros(len(sequences), width, dtype=torch.long)
    mask = torch.zeros_like(ids)
    labels = torch.full_like(ids, IGNORED)
    for row, s in enumerate(sequences):
        n = len(s["ids"])
        ids[row, :n] = torch.tensor(s["ids"])
        mask[row, :n] = 1
        labels[row, :n] = torch.tensor([i if t else IGNORED for i, t in zip(s["ids"], s["trained"])])
    return ids, mask, labels


def step_loss(model, sequences):
    """Sum of -log p over all label tokens divided by their count, and the logits."""
    ids, mask, labels = padded(sequences)
    logits = model(input_ids=ids, attention_mask=mask).logits.float()
    shifted = labels[:, 1:].reshape(-1)
    loss = torch.nn.functional.cross_entropy(
        logits[:, :-1].reshape(-1, logits.shape[-1]), shifted, ignore_index=IGNORED, reduction="sum")
    return loss / (shifted != IGNORED).sum(), logits


def main():
    for name in SHAPES:
        model = tiny_model(name)
        folder = OUT / name
        folder.mkdir(parents=True, exist_ok=True)
        sequences = random_sequences(model.config.vocab_size, [23, 1, 9, 40, 2, 16], seed=11)
        loss, logits = step_loss(model, sequences)
        loss.backward()

        expected = {}
        for row, s in enumerate(sequences):
            expected[f"logits.{row}"] = logits[row, : len(s["ids"])].detach().contiguous()
        norms = {}
        for parameter_name, parameter in model.named_parameters():
            norms[parameter_name] = parameter.grad.norm().item()
            expected[f"gradient.{parameter_name}"] = parameter.grad.contiguous()
        if name not in WITH_GRADIENTS:
            expected = {k: v for k, v in expected.items() if k.startswith("logits")}
        save_file(expected, folder / "expected.safetensors")
        (folder / "expected.json").write_text(json.dumps({
            "sequences": sequences, "loss": loss.item(), "gradient_norms": norms}, separators=(",", ":")) + "\n")

        model.bfloat16().save_pretrained(folder)
        (folder / "generation_config.json").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
