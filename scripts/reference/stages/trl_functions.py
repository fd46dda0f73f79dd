# TRL's own loss functions, called without a trainer.
from types import SimpleNamespace

import trl.import_utils as optional

# transformers 5 answers the question for a package with a pair, which TRL 0.24 takes for a yes.
for _name, _found in list(vars(optional).items()):
    if _name.endswith("_available") and isinstance(_found, tuple):
        setattr(optional, _name, _found[0])

from trl import BCOTrainer, CPOTrainer, DPOTrainer, GKDTrainer, GRPOTrainer, KTOTrainer, ORPOTrainer, RLOOTrainer  # noqa: E402
from trl.trainer.dpo_config import FDivergenceType  # noqa: E402
from trl.core import masked_mean, masked_whiten  # noqa: E402
from trl.trainer.sft_trainer import dft_loss  # noqa: E402
from trl.trainer.utils import RunningMoments  # noqa: E402


def stand_in(**fields):
    """What a trainer's loss function asks of the trainer."""
    accelerator = SimpleNamespace(device="cpu", gather_for_metrics=lambda x: x, use_distributed=False)
    return SimpleNamespace(accelerator=accelerator, **fields)
