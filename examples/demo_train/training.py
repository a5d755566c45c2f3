"""Direct preference optimisation of the small model, by TRL's own trainer.

The lower two thirds of the layers are frozen, and the reference's log-probabilities are computed
once beforehand: that is what makes minutes of it on two cores.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from examples.demo_train.model import Loaded

if TYPE_CHECKING:
    from datasets import Dataset

FROZEN = 20
"""Of 30 layers; the words' vectors, which are the output layer too, are frozen as well."""
BATCH = 8
LEARNING_RATE, BETA = 1.5e-4, 0.1
LONGEST = 160
"""Tokens of a prompt and an answer; the shipped ones are shorter."""


def train(
    loaded: Loaded,
    pairs: Dataset,
    out: Path,
    *,
    epochs: float,
    in_bfloat16: bool,
    seed: int,
) -> list[dict[str, float]]:
    """Changes the model, whose weights are float32; returns what the trainer logged."""
    from transformers import PrinterCallback, TrainerCallback
    from trl import DPOConfig, DPOTrainer

    model = loaded.model.train()
    model.requires_grad_(requires_grad=False)
    model.model.layers[FROZEN:].requires_grad_(requires_grad=True)
    model.model.norm.requires_grad_(requires_grad=True)

    class Progress(TrainerCallback):  # type: ignore[misc, unused-ignore]
        def on_log(self, *given: Any, logs: dict[str, float] | None = None, **_: object) -> None:  # noqa: ANN401
            if logs and "loss" in logs:
                state = given[1]
                print(
                    f"         step {state.global_step} of {state.max_steps}: loss "
                    f"{logs['loss']:.3f}, chosen ahead in {100 * logs['rewards/accuracies']:.0f} %",
                    flush=True,
                )

    trainer = DPOTrainer(
        model=model,
        args=DPOConfig(
            output_dir=str(out),
            num_train_epochs=epochs,
            per_device_train_batch_size=BATCH,
            learning_rate=LEARNING_RATE,
            lr_scheduler_type="linear",
            warmup_steps=2,
            beta=BETA,
            max_length=LONGEST,
            precompute_ref_log_probs=True,
            gradient_checkpointing=False,
            use_cpu=True,
            bf16=in_bfloat16,
            logging_steps=3,
            disable_tqdm=True,
            report_to=[],
            save_strategy="no",
            seed=seed,
        ),
        train_dataset=pairs,
        processing_class=loaded.tokenizer,
        callbacks=[Progress()],
    )
    trainer.remove_callback(PrinterCallback)  # says all that is logged
    trainer.train()
    return [entry for entry in trainer.state.log_history if "loss" in entry]
