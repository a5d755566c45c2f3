"""The dataset card: ``README.md`` of a run folder."""

from __future__ import annotations

from collections.abc import Mapping

from judgeforge import __version__
from judgeforge.records import SkipReason
from judgeforge.results.card_contrast import contrast_sections
from judgeforge.results.card_sections import (
    costs,
    counts,
    escape,
    given_labels_section,
    making,
    measures,
    quality_sections,
)
from judgeforge.results.export.arrow import card_features, pair_types
from judgeforge.results.figures.label_noise import smoothing_in_words
from judgeforge.results.figures.pairs import CALLS, PICTURES, THOUGHTS, TOOLS, PairFigures
from judgeforge.results.how_made import unfinished
from judgeforge.store.atomic_files import replacing
from judgeforge.store.folder import RunFolder
from judgeforge.store.manifest import Manifest
from judgeforge.text.wording import counted

THIS_FOLDER = "path/to/this/folder"
"""What the card has for where the pairs are loaded from."""
_TAGS = ["preference", "dpo", "reward-model", "llm-as-judge", "judgeforge"]
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (10**6, "100K<n<1M"))


def write_card(folder: RunFolder, pairs: PairFigures, manifest: Manifest) -> None:
    """Write ``README.md`` into the run folder, from the figures of its pairs and its manifest.

    With it ``datasets.load_dataset(folder)`` gives exactly the pairs, as the split ``train``,
    whatever else lies in the folder; without any pair it raises ValueError, as no data set of
    zero rows can be loaded from files. Raises StoreError where it cannot be written.
    """
    with replacing(folder.card) as file:
        file.write(card(folder, pairs, manifest).encode())


def card(folder: RunFolder, pairs: PairFigures, manifest: Manifest) -> str:
    sections = [
        _front_matter(folder, pairs),
        _introduction(pairs, manifest),
        "## How it was made\n\n" + making(pairs, manifest),
        "## Counts\n\n" + counts(pairs, manifest.totals),
        "## Calls and cost\n\n" + costs(manifest),
        "## Scores and lengths\n\n" + measures(pairs),
        *quality_sections(manifest.quality),
        *contrast_sections(pairs, manifest),
        *given_labels_section(manifest.given_labels),
        _columns(pairs),
        _LOADING,
        _training(pairs, manifest),
        _LICENSE,
    ]
    return "\n\n".join(sections) + "\n"


def _front_matter(folder: RunFolder, pairs: PairFigures) -> str:
    import yaml

    content = {
        "configs": [
            {
                "config_name": "default",
                # `datasets` caches a local folder by its name and this header, not by its data:
                # without a mark of the data, a second run would load the pairs of the first.
                "description": f"pairs sha256 {pairs.fingerprint}",
                "data_files": [{"split": "train", "path": folder.pairs.name}],
            }
        ],
        "dataset_info": {"features": card_features(pair_types(pairs.columns))},
        "task_categories": ["text-generation"],
        "size_categories": [_size(pairs.pairs)],
        "tags": _TAGS,
    }
    return f"---\n{yaml.safe_dump(content, sort_keys=False, allow_unicode=True)}---"


def _size(pairs: int) -> str:
    return next((name for limit, name in _SIZES if pairs < limit), "n>1M")


def _introduction(pairs: PairFigures, manifest: Manifest) -> str:
    what = (
        f"# Preference pairs\n\n{pairs.pairs:,} pairs of a better and a worse answer, for "
        f"{pairs.prompts:,} prompts. Every pair says how sure it is (`confidence`) and what "
        "it rests on (`provenance`). "
        f"Made with judgeforge {__version__}."
    )
    if waiting := manifest.totals.skips.get(SkipReason.NOT_JUDGED):
        what += (
            f"\n\n> {counted(waiting, 'prompt')} {'has' if waiting == 1 else 'have'} completions "
            "that have not been judged yet (`completions.jsonl`)."
        )
    if manifest.unfinished:
        what += f"\n\n> The run {unfinished(manifest)}. Start it again to go on."
    return what


_COLUMNS = """\
## Columns

`prompt`, `chosen` and `rejected` are lists of messages (`role`, `content`): TRL's conversational
preference format with an explicit prompt. `score_chosen` and `score_rejected` are 0 to 1, higher
is better; `score_margin` is their difference. `confidence` is the probability that `chosen` is
better than `rejected`, `p_tie` that both are equally good. `provenance` names both completions,
the judgments, the rubric, the judges, the calls and what they cost; the rows behind it are in
`completions.jsonl` and `judgments.jsonl`, prompts without a pair in `skips.jsonl`."""


_BESIDE_WORDS: Mapping[str, str] = {
    TOOLS: "`tools` is JSON text: a list of the functions that the prompt offers.",
    CALLS: "An answer that calls tools has `tool_calls` in OpenAI's shape, `arguments` as JSON "
    "text; its `content` is null where it says nothing beside them.",
    THOUGHTS: "`reasoning_content` is what the model thought before it answered; the judges "
    "judged the answer.",
    PICTURES: "Pictures are parts of type `image_url` in `content`, as the input had them.",
}


def _columns(pairs: PairFigures) -> str:
    told = [words for what, words in _BESIDE_WORDS.items() if pairs.beside_words[what]]
    if keys := pairs.columns.metadata:
        names = ", ".join(map(escape, keys))
        told.append(f"`metadata` has what the rows of the prompts say of themselves: {names}.")
    return "\n\n".join(filter(None, [_COLUMNS, "\n".join(told)]))


_LOADING = f"""\
## Load it

```python
from datasets import load_dataset

pairs = load_dataset("{THIS_FOLDER}", split="train")
sure = pairs.filter(lambda pair: pair["confidence"] >= 0.9)
```

`datasets` keeps a copy and does not notice changes by hand. After editing `pairs.jsonl`, load the
file itself: `load_dataset("json", data_files="path/to/pairs.jsonl", split="train")`."""


def _training(pairs: PairFigures, manifest: Manifest) -> str:
    smoothing = smoothing_in_words(pairs.label_noise, is_measured=manifest.calibration is not None)
    return f"""\
## Train on it

With [TRL](https://huggingface.co/docs/trl), as it is:

```python
from datasets import load_dataset
from transformers import AutoTokenizer
from trl import DPOConfig, DPOTrainer

model = "your/model"
pairs = load_dataset("{THIS_FOLDER}", split="train")
trainer = DPOTrainer(
    model=model,
    args=DPOConfig(output_dir="dpo", max_length=2048),
    train_dataset=pairs,
    processing_class=AutoTokenizer.from_pretrained(model),
)
trainer.train()
```

`RewardTrainer` with `RewardConfig` and `KTOTrainer` with `KTOConfig` take the same `pairs` in the
same way; KTO splits each pair into a good and a bad example by itself.

- **Lengths.** `RewardTrainer` drops rows longer than `max_length` tokens without a word, and DPO
  cuts them. Compare `max_length` with the lengths above (in characters; English has about four
  to a token).
- **Margin.** The column is called `score_margin` because `RewardTrainer` silently subtracts a
  column called `margin` inside its loss. Rename it only if you want that.
- **Label noise.** The judges are sometimes wrong, and `confidence` says how often to expect it.
  {smoothing}"""


_LICENSE = """\
## License

None is set. The terms of the prompts' source and of the models apply; add `license:` to the
header above before publishing."""
