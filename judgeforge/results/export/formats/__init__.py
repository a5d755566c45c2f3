"""A pair, or a prompt with its judged completions, as the row of each trainer: one file a format.

trl.py           TRL's DPO and reward trainers, OpenRLHF; pictures as real images
kto.py           TRL's KTO: single completions, good or bad
ranked.py        all completions of a prompt, best first
hosted.py        hosted preference tuning: OpenAI's format, and Bedrock's
nemo_rl.py       NeMo-RL: completions with ranks
axolotl.py       axolotl's chat templates
llamafactory.py  LLaMA-Factory's sharegpt format
verl.py          verl's reward models: strings, by a chat template
whole.py         every column, as JSON lines and as Parquet
"""
