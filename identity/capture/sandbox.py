"""What a decoder may still do: limits of the kernel's, and a short list of system calls.

The list names what decoding needs (memory without execution, threads, its own descriptors, the
clock) and refuses everything else. What only an exploit would ask for ends the process at once.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import resource
import signal
from pathlib import Path

import pyseccomp

NOBODY = 65_534

_CLONE_THREAD = 0x0001_0000
_PROT_EXEC = 4
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NAME = 15
_PR_SET_NO_NEW_PRIVS = 38
_ADDRESS_ROOM = 768 << 20
"""Address space beyond the memory limit: thread stacks and heaps are reserved long before use."""

_ALLOWED = (
    "brk", "clock_getres", "clock_gettime", "clock_nanosleep", "close", "exit", "exit_group",
    "futex", "futex_waitv", "getpid", "getrandom", "gettid", "gettimeofday", "lseek", "madvise",
    "membarrier", "mremap", "munmap", "nanosleep", "read", "recvfrom", "restart_syscall", "rseq",
    "rt_sigprocmask", "rt_sigreturn", "sched_getaffinity", "sched_yield", "sendto",
    "set_robust_list", "sigaltstack", "write",
)  # fmt: skip

_FATAL = (
    "bpf", "execve", "execveat", "fork", "io_uring_setup", "kexec_load", "keyctl", "memfd_create",
    "mount", "perf_event_open", "pidfd_getfd", "pidfd_send_signal", "process_vm_readv",
    "process_vm_writev", "ptrace", "setns", "unshare", "userfaultfd", "vfork",
)  # fmt: skip


def build_filter() -> pyseccomp.SyscallFilter:
    """Make the filter once, before the fork; `confine` only loads it.

    Raises:
        OSError: libseccomp refused a rule.
    """
    rules = pyseccomp.SyscallFilter(defaction=pyseccomp.ERRNO(errno.EPERM))
    for name in _ALLOWED:
        _add(rules, pyseccomp.ALLOW, name)
    for name in _FATAL:
        _add(rules, pyseccomp.KILL_PROCESS, name)
    no_code = pyseccomp.Arg(2, pyseccomp.MASKED_EQ, _PROT_EXEC, 0)
    _add(rules, pyseccomp.ALLOW, "mmap", no_code)
    _add(rules, pyseccomp.ALLOW, "mprotect", no_code)
    thread = pyseccomp.Arg(0, pyseccomp.MASKED_EQ, _CLONE_THREAD, _CLONE_THREAD)
    _add(rules, pyseccomp.ALLOW, "clone", thread)
    # clone3 hides its flags behind a pointer; glibc falls back to clone on ENOSYS only.
    _add(rules, pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    _add(rules, pyseccomp.ALLOW, "prctl", pyseccomp.Arg(0, pyseccomp.EQ, _PR_SET_NAME))
    return rules


def _add(rules: pyseccomp.SyscallFilter, action: int, name: str, *arguments: pyseccomp.Arg) -> None:
    try:
        rules.add_rule(action, name, *arguments)
    except OSError as error:
        # An architecture without this call (fork on aarch64) can't make it either.
        if error.errno not in (errno.EINVAL, errno.EFAULT, errno.EDOM):
            raise


def confine(
    rules: pyseccomp.SyscallFilter, *, parent: int, cpu_seconds: int, memory_bytes: int
) -> None:
    """Give up, for good, all that decoding doesn't need. Call it in a process with one thread.

    Args:
        rules: of `build_filter`.
        parent: process id of the zygote; when it is gone, so is this process.
        cpu_seconds: processor time left to it.
        memory_bytes: writable private memory it may add.

    Raises:
        OSError: a limit can't be set; nothing may be decoded then.
    """
    _limit_resources(cpu_seconds, memory_bytes)
    _drop_root()
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _prctl(_PR_SET_DUMPABLE, 0)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
    rules.load()


def _limit_resources(cpu_seconds: int, memory_bytes: int) -> None:
    address_space, data = _memory_in_use()
    for kind, soft, hard in (
        (resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 1),
        (resource.RLIMIT_DATA, data + memory_bytes, data + memory_bytes),
        (
            resource.RLIMIT_AS,
            address_space + memory_bytes + _ADDRESS_ROOM,
            address_space + memory_bytes + _ADDRESS_ROOM,
        ),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_NOFILE, 0, 0),
        (resource.RLIMIT_MEMLOCK, 0, 0),
        (resource.RLIMIT_MSGQUEUE, 0, 0),
    ):
        resource.setrlimit(kind, (soft, hard))


def _memory_in_use() -> tuple[int, int]:
    sizes = dict.fromkeys(("VmSize", "VmData"), 0)
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name in sizes:
            sizes[name] = int(value.split()[0]) * 1024
    return sizes["VmSize"], sizes["VmData"]


def _drop_root() -> None:
    if os.geteuid() != 0:
        return
    # In a user namespace without that id the call fails, and the filter alone must hold.
    with contextlib.suppress(OSError):
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)


_libc = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
