"""What stands between this machine and the servers of a run: certificates, proxies, the way there.

What holds for all calls is found before the first one. Only ``doctor`` opens connections.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

from judgeforge.calls.providers.base import open_provider
from judgeforge.config.addresses import is_plain, is_this_machine
from judgeforge.config.model import ModelConfig
from judgeforge.config.run import RunConfig
from judgeforge.errors import ConfigError, as_one

Host = tuple[str, int]

CONNECT_TIMEOUT_S = 3.0
RESOLVE_TIMEOUT_S = 5.0
"""For the whole attempt, since looking up a name has no timeout of its own."""
_BEGINS_ONE = b"-----BEGIN "


@dataclass(frozen=True, slots=True)
class Proxy:
    variable: str
    """Of the environment, or what else names it."""
    parts: SplitResult
    is_readable: bool = True

    @property
    def shown(self) -> str:
        """Without a user and a password."""
        host = self.parts.netloc.rpartition("@")[2]
        if self.parts.scheme and host:
            return f"{self.parts.scheme}://{host}"
        return self.parts.geturl().rpartition("@")[2]

    @property
    def problem(self) -> str | None:
        if not self.is_readable:
            return f"{self.variable}: {self.shown} is not the address of a proxy."
        if self.parts.scheme not in {"http", "https"}:
            return (
                f"{self.variable} names the proxy {self.shown}, but only http:// and https:// "
                "proxies can be used. Name such a one, or the hosts that need no proxy in NO_PROXY."
            )
        try:
            usable = bool(self.parts.hostname) and self.parts.port != 0
        except ValueError:
            usable = False
        return None if usable else f"{self.variable}: {self.shown} is not the address of a proxy."


def check_network(config: RunConfig, names: Iterable[str]) -> None:
    """Raises ConfigError where no call of these models could be made."""
    models = [config.models[name] for name in names if not config.models[name].facts.in_process]
    addresses = {address_of(replica) for model in models for replica in model.replicas}
    proxies = {proxy_of(address) for address in addresses}
    problems = [proxy.problem for proxy in proxies if proxy is not None]
    if addresses:
        problems.append(certificate_problem(read=not all(map(is_plain, addresses))))
    mistakes = [ConfigError(problem) for problem in problems if problem is not None]
    if mistakes:
        raise as_one(mistakes)


def address_of(model: ModelConfig) -> str:
    """Of several replicas the first; each of ``model.replicas`` has one."""
    return open_provider(model, None).base_url


def certificate_problem(*, read: bool = True) -> str | None:
    """Why no connection can be made with the certificates that the environment names.

    Unless they are to be ``read``, it is only seen that there are some.
    """
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    log = os.environ.get("SSLKEYLOGFILE")
    if log and (Path(log).is_dir() or not os.access(Path(log).absolute().parent, os.W_OK)):
        return f"SSLKEYLOGFILE={log}: cannot be written. Unset it, or name another file."
    if file:
        advice = "Name a file of PEM certificates, or unset SSL_CERT_FILE."
        try:
            if read or _BEGINS_ONE not in Path(file).read_bytes():
                _read_certificates(file, Path(file).stat().st_mtime_ns)
        except ssl.SSLError:
            return f"SSL_CERT_FILE={file}: does not contain certificates in PEM. {advice}"
        except OSError as error:
            return f"SSL_CERT_FILE={file}: {error.strerror or error}. {advice}"
    elif folder and not Path(folder).is_dir():
        return (
            f"SSL_CERT_DIR={folder}: is not a folder. Name a folder of certificates, or unset "
            "SSL_CERT_DIR."
        )
    return None


@lru_cache(maxsize=1)
def _read_certificates(file: str, _changed_at: int) -> None:
    """Once for each content: it takes as long as everything else that is prepared."""
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)


def proxy_of(address: str) -> Proxy | None:
    """The proxy of the environment that calls to ``address`` go through; never to this machine."""
    scheme, host, proxies = urlsplit(address).scheme, _host(urlsplit(address)), getproxies()
    kind = next((each for each in (scheme, "all") if proxies.get(each)), None)
    if kind is None or is_this_machine(address) or proxy_bypass(f"{host[0]}:{host[1]}"):
        return None
    names = (f"{kind}_proxy", f"{kind}_proxy".upper())
    variable = next((name for name in names if os.environ.get(name)), "the system's settings")
    found = proxies[kind].replace(" ", "%20")  # as the HTTP client reads it
    try:
        return Proxy(variable, urlsplit(found if "://" in found else f"http://{found}"))
    except ValueError:
        return Proxy(variable, SplitResult("", "", found, "", ""), is_readable=False)


def entrance_of(model: ModelConfig) -> tuple[Host, str]:
    """Where a connection for a model's calls is opened, and what that is called: host or proxy."""
    address = address_of(model)
    proxy = proxy_of(address)
    if proxy is None or proxy.problem is not None:
        host = _host(urlsplit(address))
        return host, f"host {host[0]}:{host[1]}"
    host = _host(proxy.parts)
    return host, f"proxy {host[0]}:{host[1]} of {proxy.variable}"


def connect_all(hosts: Iterable[Host]) -> dict[Host, str | None]:
    """What went wrong with each host; None where a connection opened."""
    late = f"no answer within {RESOLVE_TIMEOUT_S:g} s"
    problems: dict[Host, str | None] = dict.fromkeys(hosts, late)

    def connect(host: Host) -> None:
        try:
            socket.create_connection(host, timeout=CONNECT_TIMEOUT_S).close()
        except OSError as error:
            problems[host] = error.strerror or str(error) or type(error).__name__
        else:
            problems[host] = None

    # Daemons: a name server that never answers must not keep the program alive.
    threads = [threading.Thread(target=connect, args=(host,), daemon=True) for host in problems]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(RESOLVE_TIMEOUT_S)
    return dict(problems)


def _host(parts: SplitResult) -> Host:
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
