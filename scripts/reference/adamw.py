# Prints the expected values in Tests/TensorsTests/OptimizerTests.swift: three steps of torch.optim.AdamW with clipping,
# and the rotary tables of transformers (torch 2.13.0, transformers 5.6.2). Run: python scripts/reference/adamw.py
import torch
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS


def floats(name, tensor):
    print(name, [float(x) for x in tensor.detach().flatten()])


p = torch.nn.Parameter(torch.tensor([0.5, -1.25, 2.0, 0.001, -3.0]))
optimizer = torch.optim.AdamW([p], lr=0.01, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1)
for step in range(3):
    p.grad = torch.tensor([1.0, -2.0, 0.5, 1e-4, 3.0]) * (step + 1) + torch.tensor([0.1, 0.2, 0.3, 0.4, 0.5])
    norm = torch.nn.utils.clip_grad_norm_([p], 1.0)
    optimizer.step()
    print("norm", float(norm))
    floats("p", p)

llama3 = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
          "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
config = LlamaConfig(hidden_size=64, num_attention_heads=1, head_dim=64, max_position_embeddings=131072,
                     rope_parameters=llama3)
frequencies, _ = ROPE_INIT_FUNCTIONS["llama3"](config, torch.device("cpu"))
angles = frequencies * 1000.0
floats("cos", angles.cos()[::4])
floats("sin", angles.sin()[::4])
