"""A canonical request -> the provider's reply. One file an API; nothing else knows SDKs.

base.py                what a provider is: builds a body, sends it, reads the reply
openai_chat.py         OpenAI chat completions, and servers that speak them
openai_turns.py        turns of tools, calls and pictures as they take them
anthropic_messages.py  Anthropic messages
anthropic_turns.py     turns of tools, calls and pictures as they take them
anthropic_marks.py     what Anthropic's cache is asked to keep
openai_marks.py        how OpenAI's cache is told of a row
encoding.py            bodies as JSON: what requests have in common is encoded once
pictures.py            pictures, read when they are sent
batches.py             what batches are: a file of requests, its state, its results
openai_batches.py      OpenAI's batches, and servers that speak them
anthropic_batches.py   Anthropic's message batches
openai_decisions.py    OpenAI decisions, and gateways that speak them
systemone.py           System One decisions
classify.py            rewards of vLLM and SGLang
tei.py                 rewards of Text Embeddings Inference
reward_server.py       what servers of reward models share
local.py               a GGUF model in this process
local_engine.py        the loaded model, and the threads that talk to it
transformers_local.py  rewards and decisions of models of transformers in this process
transformers_engine.py  the thread that reads batches with one
transformers_files.py  whether a model's files can be loaded, and loading them
transformers_reading.py  conversations and questions as tokens, and what the model makes of them
decision_server.py     what both kinds of decision servers share
http.py                a raw body through an SDK's door, and what goes wrong on the way
late_certificates.py   aiohttp without the certificates that it reads at its import
postponed.py           parts of an SDK that are loaded only where something asks for them
repeated_requests.py   requests after the first: copies of what the SDK sent
connection_errors.py   what goes wrong on the way, told apart by whether anything was sent
http_errors.py         what a server says when it refuses, and what follows
hidden_errors.py       the error that a reply of status 200 is
refusal_words.py       what a refusal says, whatever its fields are called
context_refusals.py    whether a refusal says that the request is too long, and for what
moderation.py          whether a refusal is that of a content filter
parsing.py             the body of a reply as values, whatever stands around them
streams.py             a reply that is streamed unasked, put together
replies.py             what reading any reply needs: parts, usage, probabilities
asked_reply.py         what of a reply answers its request: the call that was asked for, or words
answers.py             how a reply ended: whether it is whole
template_marks.py      what a chat template put around the answer
thoughts.py            what of a text is the answer, and what the model thought

To add a provider: a file with a class like ``Provider``, and a line in ``PROVIDERS``
(config/providers.py).
"""
