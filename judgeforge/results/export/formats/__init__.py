"""A pair, or a prompt with its judged completions, as the row of each trainer: one file a format.

trl.py              TRL's DPO and reward trainers, OpenRLHF; pictures as real images
judged.py           judged completions: TRL's KTO, the best ones, ranked lists
hosted.py           hosted preference tuning: OpenAI's format, and Bedrock's
nemo_rl_axolotl.py  NeMo-RL and axolotl
llamafactory.py     LLaMA-Factory's sharegpt format
verl.py             verl's reward models: strings, by a chat template
whole.py            every column, as JSON lines and as Parquet
"""
