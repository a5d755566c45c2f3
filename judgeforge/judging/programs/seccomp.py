"""Which system calls a program in the sandbox may not make, as a filter for the kernel.

A classic BPF program (``seccomp(2)``, ``SECCOMP_MODE_FILTER``). It keeps a program to one process
with threads, so that the limit of memory of a process is that of the whole, keeps it from sockets
but those within the process, and takes away what has let programs out of sandboxes before.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Mapping
from dataclasses import dataclass

_LOAD, _JUMP_EQUAL, _JUMP_SET, _RETURN = 0x20, 0x15, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
"""Places in ``struct seccomp_data``; arguments have 64 bits, the lower half first."""
_CLONE_THREAD = 0x00010000
_X32 = 0x40000000


@dataclass(frozen=True, slots=True)
class Architecture:
    audit: int
    """``AUDIT_ARCH_…``."""
    clone: int
    clone3: int
    refused: Mapping[str, int]


_X86_64 = Architecture(
    audit=0xC000003E,
    clone=56,
    clone3=435,
    refused={
        "fork": 57, "vfork": 58, "socket": 41, "connect": 42, "bind": 49, "listen": 50,
        "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312,
        "pidfd_open": 434, "pidfd_getfd": 438, "mount": 165, "umount2": 166, "pivot_root": 155,
        "chroot": 161, "unshare": 272, "setns": 308, "open_tree": 428, "move_mount": 429,
        "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "mount_setattr": 442,
        "mknod": 133, "mknodat": 259, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323,
        "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "keyctl": 250,
        "add_key": 248, "request_key": 249, "init_module": 175, "finit_module": 313,
        "delete_module": 176, "kexec_load": 246, "kexec_file_load": 320, "memfd_create": 319,
        "memfd_secret": 447, "shmget": 29, "semget": 64, "msgget": 68, "mq_open": 240,
        "personality": 135, "name_to_handle_at": 303, "open_by_handle_at": 304, "quotactl": 179,
        "reboot": 169, "swapon": 167, "swapoff": 168, "syslog": 103, "acct": 163, "iopl": 172,
        "ioperm": 173, "modify_ldt": 154, "execveat": 322,
    },
)  # fmt: skip
_AARCH64 = Architecture(
    audit=0xC00000B7,
    clone=220,
    clone3=435,
    refused={
        "socket": 198, "connect": 203, "bind": 200, "listen": 201, "ptrace": 117,
        "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272, "pidfd_open": 434,
        "pidfd_getfd": 438, "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51,
        "unshare": 97, "setns": 268, "open_tree": 428, "move_mount": 429, "fsopen": 430,
        "fsconfig": 431, "fsmount": 432, "fspick": 433, "mount_setattr": 442, "mknodat": 33,
        "bpf": 280, "perf_event_open": 241, "userfaultfd": 282, "io_uring_setup": 425,
        "io_uring_enter": 426, "io_uring_register": 427, "keyctl": 219, "add_key": 217,
        "request_key": 218, "init_module": 105, "finit_module": 273, "delete_module": 106,
        "kexec_load": 104, "kexec_file_load": 294, "memfd_create": 279, "memfd_secret": 447,
        "shmget": 194, "semget": 190, "msgget": 186, "mq_open": 180, "personality": 92,
        "name_to_handle_at": 264, "open_by_handle_at": 265, "quotactl": 60, "reboot": 142,
        "swapon": 224, "swapoff": 225, "syslog": 116, "acct": 89, "execveat": 281,
    },
)  # fmt: skip
ARCHITECTURES = {"x86_64": _X86_64, "aarch64": _AARCH64}


def architecture() -> Architecture | None:
    """Of this machine; None where its system calls are not known here."""
    return ARCHITECTURES.get(platform.machine()) if platform.system() == "Linux" else None


def bpf_filter(known: Architecture) -> bytes:
    """The program, as ``struct sock_filter[]``."""
    denied, missing = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, known.audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        # The second table of x86-64 has other numbers for the same calls.
        (_JUMP_SET, 0, 1, _X32),
        (_RETURN, 0, 0, _KILL),
        # What clone3 makes stands in memory, where no filter looks; libc takes clone in its place.
        (_JUMP_EQUAL, 0, 1, known.clone3),
        (_RETURN, 0, 0, missing),
    ]
    for number in sorted(known.refused.values()):
        lines += [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, denied)]
    lines += [
        (_JUMP_EQUAL, 1, 0, known.clone),
        (_RETURN, 0, 0, _ALLOW),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_JUMP_SET, 1, 0, _CLONE_THREAD),
        (_RETURN, 0, 0, denied),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)
