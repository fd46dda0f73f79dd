# Variants of GPT-Neo: see common.py.
from dense import IDS
from transformers import GPTNeoConfig

SIZES = dict(vocab_size=50, max_position_embeddings=64, hidden_size=40, num_heads=4, intermediate_size=42, **IDS)
VARIANTS = {
    "gpt_neo": (
        GPTNeoConfig, dict(SIZES, num_layers=2, attention_types=[[["global", "local"], 1]], window_size=8), dict(
            taken={"summary_type": "cls_index", "resid_dropout": 0.1, "embed_dropout": 0.1},
            refused=[
                ("attention_types", [[["global", "strided"], 1]],
                 "`attention_types` is `strided`, which is not supported"),
                ("attention_types", "local", "`attention_types` is a string, not a list"),
                ("attention_types", [["local", 2]], "`attention_types` is `[\"local\",2]`, which is not supported"),
                ("attention_types", [[["global"], 3]], "`attention_types` names 3 blocks of 2"),
                ("attention_layers", ["global", "global"],
                 "`attention_types` and `attention_layers` name other blocks with a window"),
                ("window_size", "8", "`window_size` is a string, not a whole number"),
                ("num_attention_heads", 2,
                 "`num_heads` and `num_attention_heads` mean the same and have different values")])),
    # A feed-forward part of the usual size, windows first.
    "gpt_neo-local": (
        GPTNeoConfig, dict(SIZES, num_layers=3, attention_types=[[["local"], 2], [["global"], 1]], window_size=5,
                           intermediate_size=None, activation_function="gelu", tie_word_embeddings=False), {}),
}
