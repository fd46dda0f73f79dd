# Makes: Tests/Fixtures/ModelFolders/{single,sharded,tiny.gguf,adapter,rslora}: two tiny random Llama models as Hugging
#        Face folders (one file in f32 with an output head of its own; shards in bf16 with a tied one), the first of
#        them as a GGUF file, two PEFT adapters for it, and expected.json beside them: greedy continuations and last
#        logits by transformers and peft, and q_proj after peft's merge.
# With:  requirements.txt of this folder (torch 2.13.0+cpu, transformers 5.6.2, peft 0.18.1, tokenizers 0.22.2,
#        gguf 0.19.0).
# Run:   python scripts/reference/model_folders.py
import json
import shutil
from pathlib import Path

import gguf
import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

OUT = Path(__file__).resolve().parents[2] / "Tests/Fixtures/ModelFolders"
VOCABULARY, STEPS = 300, 24
ROPE = {"rope_type": "default", "rope_theta": 10000.0}
SHAPES = {
    "single": dict(hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
                   num_key_value_heads=2, tie_word_embeddings=False),
    "sharded": dict(hidden_size=24, intermediate_size=56, num_hidden_layers=3, num_attention_heads=3, head_dim=8,
                    num_key_value_heads=1, tie_word_embeddings=True),
}
TEMPLATE = ("{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
            "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")


def make_tokenizer():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        ["the cat sat on the mat and the dog sat on the cat, größe 大小"] * 4,
        trainers.BpeTrainer(vocab_size=VOCABULARY, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                            special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"], show_progress=False))
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<|im_start|>", eos_token="<|im_end|>", pad_token="<|im_end|>",
        unk_token="<|endoftext|>", chat_template=TEMPLATE)


def make_model(name):
    torch.manual_seed(sorted(SHAPES).index(name) + 3)
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=VOCABULARY, max_position_embeddings=64, rms_norm_eps=1e-5, rope_parameters=ROPE, bos_token_id=1,
        eos_token_id=2, pad_token_id=2, attn_implementation="eager", **SHAPES[name])).float().eval()
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            noise = torch.randn_like(parameter)
            parameter.copy_(1 + 0.2 * noise if "norm" in parameter_name else 0.3 * noise)
            if name == "sharded":
                parameter.copy_(parameter.bfloat16().float())
    return model


def greedy(model, prompts):
    """[{prompt, ids, margin, logits}]: what follows each prompt by arg-max, by full passes without a cache; the
    smallest lead of a chosen logit over the next best, and the logits after the prompt."""
    rows = []
    for prompt in prompts:
        ids, margin, first = list(prompt), float("inf"), None
        for _ in range(STEPS):
            with torch.no_grad():
                logits = model(input_ids=torch.tensor([ids])).logits[0, -1].float()
            first = logits.tolist() if first is None else first
            best = logits.topk(2).values
            margin = min(margin, float(best[0] - best[1]))
            ids.append(int(logits.argmax()))
        rows.append({"prompt": prompt, "ids": ids[len(prompt):], "margin": margin, "logits": first})
    return rows


def permute(weights, heads):
    """As LlamaModel.permute of llama.cpp's convert_hf_to_gguf.py."""
    return weights.reshape(heads, 2, weights.shape[0] // heads // 2, *weights.shape[1:]).swapaxes(1, 2).reshape(
        weights.shape)


def write_gguf(model, folder, path):
    config = model.config
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    vocabulary = sorted(tokenizer["model"]["vocab"].items(), key=lambda item: item[1])
    special = {token["id"] for token in tokenizer["added_tokens"]}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([token for token, _ in vocabulary])
    writer.add_token_types([3 if index in special else 1 for _, index in vocabulary])
    writer.add_token_merges([" ".join(pair) for pair in tokenizer["model"]["merges"]])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template(TEMPLATE)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    for name, tensor in model.state_dict().items():
        values = tensor.float().numpy()
        if name.endswith("q_proj.weight"):
            values = permute(values, config.num_attention_heads)
        if name.endswith("k_proj.weight"):
            values = permute(values, config.num_key_value_heads)
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight",)), np.ascontiguousarray(values))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_adapter(folder, name, seed, targets, **options):
    """A PEFT folder for the `single` model, and what the adapted and the merged model compute."""
    torch.manual_seed(seed)
    base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    model = get_peft_model(base, LoraConfig(
        lora_dropout=0.1, bias="none", task_type="CAUSAL_LM", target_modules=targets, **options)).eval()
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            if "lora_" in parameter_name:
                parameter.copy_(0.2 * torch.randn_like(parameter))
    model.save_pretrained(OUT / name)
    (OUT / name / "README.md").unlink(missing_ok=True)
    config = OUT / name / "adapter_config.json"
    text = json.loads(config.read_text())
    text["base_model_name_or_path"] = "single"
    text["target_modules"] = sorted(text["target_modules"])
    config.write_text(json.dumps(text, indent=2, sort_keys=True) + "\n")
    base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    model = PeftModel.from_pretrained(base, OUT / name).eval()
    rows = greedy(model, PROMPTS)
    merged = model.merge_and_unload().state_dict()["model.layers.1.self_attn.q_proj.weight"]
    return {"greedy": rows, "merged_q_proj_1": merged.reshape(-1).tolist()}


PROMPTS = [[1, 84, 104, 2], [7], [1, 290, 12, 77, 200, 3, 150, 9, 41, 60, 111]]


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    tokenizer, expected = make_tokenizer(), {}
    for name in SHAPES:
        model = make_model(name)
        expected[name] = {"greedy": greedy(model, PROMPTS)}
        if name == "sharded":
            model.bfloat16().save_pretrained(OUT / name, max_shard_size="20KB")
        else:
            model.save_pretrained(OUT / name)
            tokenizer.save_pretrained(OUT / name)
            write_gguf(model, OUT / name, OUT / "tiny.gguf")
    every = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    expected["adapter"] = write_adapter(OUT / "single", "adapter", 5, every, r=4, lora_alpha=8)
    expected["rslora"] = write_adapter(
        OUT / "single", "rslora", 6, ["q_proj", "v_proj"], r=4, lora_alpha=6, use_rslora=True)
    (OUT / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")
    for path in OUT.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


if __name__ == "__main__":
    main()
