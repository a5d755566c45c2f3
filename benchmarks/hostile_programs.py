"""Programs that try to get out of a sandbox, or to bring down the machine that it is on.

Each leaves in ``found`` what it found out, and begins with GOT IN what it should not have got.
``SECRET`` is the path of a file of the machine, ``PORT`` that of a server on its loopback,
``PARENT`` the process that runs the sandbox.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent


@dataclass(frozen=True, slots=True)
class Hostile:
    name: str
    tries: str
    body: str

    @property
    def code(self) -> str:
        return dedent(_BEGIN) + dedent(self.body)


_BEGIN = """
    import ctypes, errno, os, sys
    found = "nothing"
    def attempt(**ways):
        told = []
        for name, way in ways.items():
            try:
                got = way()
            except BaseException as error:
                told.append(f"{name}: {type(error).__name__}")
            else:
                told.append(f"GOT IN by {name}: {str(got)[:60]}")
        return "; ".join(told)
    libc = ctypes.CDLL(None, use_errno=True)
    def call(number, *arguments):
        if libc.syscall(number, *arguments) < 0:
            raise OSError(ctypes.get_errno(), "refused")
        return "done"
"""

PROGRAMS = [
    Hostile("files", "reading a file of the machine, /etc/passwd, /etc/shadow, the home folder", """
        found = attempt(
            secret=lambda: open(SECRET).read(), passwd=lambda: open("/etc/passwd").read(),
            shadow=lambda: open("/etc/shadow").read(), home=lambda: os.listdir("/home"),
            ssh=lambda: os.listdir(os.path.expanduser("~root/.ssh")))
    """),
    Hostile("environment", "keys in the environment", """
        keys = [name for name in os.environ if "SECRET" in name or "KEY" in name]
        found = f"GOT IN: {keys}" if keys else f"only {sorted(os.environ)}"
    """),
    Hostile("proc", "environment, memory and files of other processes through /proc", """
        found = attempt(
            environ=lambda: open("/proc/1/environ").read(),
            own=lambda: open("/proc/self/maps").read(),
            parent=lambda: os.listdir("/proc/PARENT/fd"),
            kernel=lambda: open("/proc/kallsyms").read())
    """),
    Hostile("network", "a connection to the internet, and a name to be looked up", """
        import socket
        found = attempt(
            tcp=lambda: socket.create_connection(("1.1.1.1", 80), 1),
            udp=lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("8.8.8.8", 53)),
            name=lambda: socket.gethostbyname("example.com"))
    """),
    Hostile("loopback", "a server of the machine on 127.0.0.1, and one of its own", """
        import socket
        found = attempt(
            connect=lambda: socket.create_connection(("127.0.0.1", PORT), 1),
            serve=lambda: socket.create_server(("127.0.0.1", 0)),
            docker=lambda: socket.socket(socket.AF_UNIX).connect("/var/run/docker.sock"))
    """),
    Hostile("fork bomb", "processes without end", """
        made = 0
        try:
            while True:
                os.fork()
                made += 1
        except OSError as error:
            found = f"GOT IN: {made} processes" if made else f"fork: {error}"
    """),
    Hostile("shell", "another program: a shell, an interpreter", """
        import subprocess
        found = attempt(
            shell=lambda: subprocess.run(["/bin/sh", "-c", "id"], check=True),
            python=lambda: subprocess.run([sys.executable, "-c", "1"], check=True),
            spawn=lambda: os.posix_spawn(sys.executable, [sys.executable], {}),
            system=lambda: 1 / (os.system("id") == 0))
    """),
    Hostile("exec", "becoming another program", """
        os.execv(sys.executable, [sys.executable, "-c", "print('I am another one')"])
    """),
    Hostile("threads", "threads without end", """
        import threading, time
        number = 0
        try:
            while True:
                threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
                number += 1
        except RuntimeError as error:
            found = f"{number} threads, then: {error}"
    """),
    Hostile("memory", "100 GB at once, and small pieces without end", """
        kept = []
        def pieces():
            while True:
                kept.append(b"x" * (1 << 20))
        found = attempt(at_once=lambda: len(bytearray(100 << 30)), pieces=pieces)
        number = len(kept); kept.clear()
        found += f" after {number} MB"
    """),
    Hostile("memory elsewhere", "memory that no limit of a process counts: shared, in files", """
        import mmap
        def shared():
            for _ in range(1000):
                call(29, 0, 1 << 30, 0o1600)
        found = attempt(
            memfd=lambda: os.memfd_create("x"), shmget=shared,
            mapped=lambda: [mmap.mmap(-1, 1 << 30) for _ in range(1000)],
            shm=lambda: open("/dev/shm/x", "w"))
    """),
    Hostile("loop", "a processor for ever", "while True: pass"),
    Hostile("big number", "the same where Python cannot be interrupted", "9 ** 9 ** 9"),
    Hostile("sleep", "waiting for ever", "import time; time.sleep(10 ** 6)"),
    Hostile("deaf to signals", "outliving its time by ignoring every signal", """
        import signal
        for number in range(1, 65):
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                pass
        while True: pass
    """),
    Hostile("sleeping child", "a child in a session of its own that goes on after the end", """
        def leave():
            if os.fork() == 0:
                os.setsid()
                import time; time.sleep(60)
        found = attempt(double_fork=leave)
    """),
    Hostile("killing", "killing the process that runs the sandbox, and everything", """
        import signal
        def hit(number):
            os.kill(number, 0)
            os.kill(number, signal.SIGKILL)
        found = attempt(
            parent=lambda: hit(os.getppid()) if os.getppid() > 1 else os.kill(PARENT, 9),
            group=lambda: os.kill(PARENT, 9), all=lambda: os.kill(-1, 9))
    """),
    Hostile("killing init", "killing the first process of the sandbox, then itself", """
        os.kill(1, 9)
        os.kill(os.getpid(), 9)
    """),
    Hostile("writing outside", "changing the library, the root, the program that tests it", """
        import json
        found = attempt(
            library=lambda: open(json.__file__, "a").write("x"), root=lambda: open("/x", "w"),
            program=lambda: open("/judge/sandboxed_tests.py", "a").write("x"),
            secret=lambda: open(SECRET, "w"), usr=lambda: os.mkdir("/usr/lib/x"),
            remove=lambda: os.remove(json.__file__))
    """),
    Hostile("symlinks", "links out of its folder, hard and symbolic", """
        os.symlink(SECRET, "/tmp/link")
        os.symlink("/../../../..", "/tmp/up")
        found = attempt(
            read=lambda: open("/tmp/link").read(), write=lambda: open("/tmp/link", "w"),
            up=lambda: open("/tmp/up" + SECRET).read(),
            hard=lambda: os.link("/judge/sandboxed_tests.py", "/tmp/hard"))
    """),
    Hostile("filling the disk", "files without end, one huge and many", """
        def huge():
            with open("/tmp/huge", "wb") as file:
                while True:
                    file.write(bytes(1 << 20))
        def many():
            for number in range(10 ** 6):
                with open(f"/tmp/{number}", "wb") as file:
                    file.write(bytes(1 << 20))
        found = attempt(huge=huge, many=many)
        used = sum(os.stat(f"/tmp/{name}").st_size for name in os.listdir("/tmp")) >> 20
        found += f", with {used} MB"
    """),
    Hostile("huge output", "gigabytes of output", """
        while True: print("x" * 10 ** 6)
    """),
    Hostile("deep recursion", "the end of the stack", """
        sys.setrecursionlimit(10 ** 9)
        def deeper(value): return deeper(lambda: value) or value
        deeper(1)
    """),
    Hostile("deep source", "the end of the parser's stack", """
        eval("(" * 10 ** 5 + ")" * 10 ** 5)
    """),
    Hostile("ptrace", "reading and steering another process", """
        found = attempt(
            attach=lambda: call(101, 16, os.getppid(), 0, 0), traceme=lambda: call(101, 0, 0, 0, 0),
            read=lambda: call(310, os.getppid(), 0, 0, 0, 0, 0), pidfd=lambda: os.pidfd_open(1))
    """),
    Hostile("device files", "the memory, the disk, the terminal, and devices of its own", """
        found = attempt(
            memory=lambda: open("/dev/mem", "rb"), disk=lambda: open("/dev/vda", "rb"),
            log=lambda: open("/dev/kmsg"), terminal=lambda: open("/dev/tty"),
            made=lambda: os.mknod("/tmp/disk", 0o60666, os.makedev(254, 0)),
            null=lambda: open("/dev/null", "w").write("x") and 1 / 0)
    """),
    Hostile("setuid", "becoming root", """
        found = attempt(
            setuid=lambda: os.setuid(0), groups=lambda: os.setgroups([0]),
            su=lambda: os.execv("/bin/su", ["su"]), chown=lambda: os.chown("/tmp", 0, 0) or 1 / 0)
        found += f"; it is user {os.getuid()}"
    """),
    Hostile("namespaces", "new namespaces and mounts, in which it would be root", """
        found = attempt(
            unshare=lambda: call(272, 0x10000000),
            mount=lambda: call(165, b"x", b"/tmp", b"tmpfs", 0, 0),
            clone=lambda: call(56, 0x10000000 | 17, 0, 0, 0, 0), clone3=lambda: call(435, 0, 0),
            chroot=lambda: os.chroot("/tmp"), unmount=lambda: call(166, b"/tmp", 2))
    """),
    Hostile("kernel", "what has let others out: bpf, io_uring, keys, userfaultfd, perf", """
        found = attempt(
            bpf=lambda: call(321, 0, 0, 0), io_uring=lambda: call(425, 1, 0),
            keys=lambda: call(250, 0, -3, 1),
            faults=lambda: call(323, 0), perf=lambda: call(298, 0, 0, -1, -1, 0),
            handles=lambda: call(304, -100, 0, 0), module=lambda: call(175, 0, 0, 0))
    """),
    Hostile("limits", "raising its own limits", """
        import resource
        found = attempt(
            memory=lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40)),
            time=lambda: resource.setrlimit(resource.RLIMIT_CPU, (10 ** 6, 10 ** 6)),
            files=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (10 ** 6, 10 ** 6)))
    """),
    Hostile("open files", "all files that can be open", """
        kept = []
        try:
            while True: kept.append(os.open("/dev/null", os.O_RDONLY))
        except OSError as error:
            number = len(kept)
            for each in kept: os.close(each)
            found = f"{number} files, then: {error}"
    """),
    Hostile("judgeforge itself", "importing judgeforge, its libraries, its configuration", """
        import importlib
        names = ("judgeforge", "judgeforge.calls.cache", "openai", "numpy", "pip")
        found = attempt(**{
            name: lambda name=name: importlib.import_module(name) for name in names})
    """),
    Hostile("early end", "passing by ending before the tests", "os._exit(0)"),
    Hostile("early exit", "passing by ending before the tests, in order", "sys.exit(0)"),
    Hostile("forged report", "passing by writing a report of its own to every open file", """
        for number in range(3, 64):
            try:
                os.write(number, b'{"passed": true, "said": ""}\\n' * 3)
            except OSError:
                pass
        os._exit(0)
    """),
    Hostile("flooded report", "drowning the report", """
        for number in range(3, 64):
            try:
                while True: os.write(number, b"x" * 10 ** 5)
            except OSError:
                pass
    """),
]  # fmt: skip
