"""One file an API: the only place with SDKs.

A new provider is a class like ``Provider`` (see ``base``) in a file of its own here, and one line
in the table ``judgeforge.config.providers.PROVIDERS``.
"""
