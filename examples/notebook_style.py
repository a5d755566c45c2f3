# %% [markdown]
# # From answers to preference pairs, in a notebook
# The cells (`# %%`) run one by one in VS Code, Jupyter (with jupytext) or Spyder, and the whole
# file as a script. They write to `runs/notebook` below the current folder.
#
# Code verifies all criteria below, so that no model, key or network is needed. Set
# `EXAMPLE_SERVER_URL` (and `EXAMPLE_MODEL`) to a server with the API of OpenAI, such as
# `http://localhost:8000/v1`, to have the helpfulness judged as well.

# %%
import json
import os
from pathlib import Path

import judgeforge

folder = Path("runs/notebook")
folder.mkdir(parents=True, exist_ok=True)

# %% [markdown]
# ## Prompts that bring their own completions

# %%
prompts = [
    {
        "id": "slogan",
        "prompt": "Write a slogan for a coffee shop in at most 8 words. Say coffee.",
        "completions": [
            "Good coffee, good morning.",
            "We have been roasting the very finest coffee beans in town since the year 1988.",
            "A warm place for everyone.",
        ],
        "metadata": {"checks": {"max_words": 8, "contains": "coffee"}},
    },
    {
        "id": "json",
        "prompt": 'Name a fruit as a JSON object with the key "name".',
        "completions": ['{"name": "apple"}', "An apple is a fruit."],
        "metadata": {"checks": {"json": True}},
    },
    {
        "id": "tie",
        "prompt": "Say yes.",
        "completions": ["Yes.", "Yes!"],
        "metadata": {"checks": {"max_words": 1}},
    },
]
lines = "".join(json.dumps(row) + "\n" for row in prompts)
(folder / "prompts.jsonl").write_text(lines, encoding="utf-8")

# %% [markdown]
# ## A rubric and a configuration

# %%
server_url = os.environ.get("EXAMPLE_SERVER_URL")
rubric = """\
name: asked_for
version: 1
criteria:
  - {name: follows_the_request, weight: 2, check: {from_metadata: checks}}
"""
config_text = """\
prompts: {path: prompts.jsonl}
rubric: rubric.yaml
pairing: {strategy: all_pairs, min_margin: 0.1}
limits: {max_skip_share: 0.5}
"""
if server_url:
    rubric += "  - {name: helpful, weight: 1, yes_no: Is the answer helpful?}\n"
    config_text += f"""\
models:
  judge:
    provider: openai
    base_url: {server_url}
    model: {os.environ.get("EXAMPLE_MODEL", "default")}
    price: {{input_per_mtok: 0, output_per_mtok: 0}}
judging: {{judges: [{{model: judge}}]}}
"""
(folder / "rubric.yaml").write_text(rubric, encoding="utf-8")
(folder / "config.yaml").write_text(config_text, encoding="utf-8")

# %% [markdown]
# ## Run
# `run` works inside a notebook's event loop as it does in a script; in an async function, use
# `await judgeforge.arun(...)`. Running the cell again does only what is new.

# %%
config = judgeforge.load_config(folder / "config.yaml")
result = judgeforge.run(config, out=folder / ("judged" if server_url else "checked"))
print(result.manifest["status"], result.manifest["totals"])

# %% [markdown]
# ## Look at the pairs
# `result.pairs` is a `datasets.Dataset`, ready for a trainer.

# %%
pairs = result.pairs
for pair in pairs.select_columns(["chosen", "rejected", "score_margin", "confidence"]):
    print(
        f"{pair['confidence']:.2f}  margin {pair['score_margin']:.2f}  "
        f"{pair['chosen'][0]['content']!r} over {pair['rejected'][0]['content']!r}"
    )
for skip in result.skips:
    print(f"no pair for {skip.prompt_id}: {skip.reason} ({skip.detail})")

# %%
sure = pairs.filter(lambda pair: pair["confidence"] >= 0.9)
print(f"{len(sure)} of {len(pairs)} pairs are right with a probability of 0.9 or more")
