"""What is said about the numbers: medians, the machine, tables."""
import contextlib
import datetime
import os
import pathlib
import platform
import statistics
import subprocess

import loopback
from programs import PATIENCE, ROOT


def summary(values):
    spread = statistics.quantiles(values, n=4) if len(values) > 1 else [values[0]] * 3
    return {"median": statistics.median(values), "iqr": spread[2] - spread[0]}


def surroundings(names):
    """The machine and the programs; names: name -> path."""
    def text(path):
        with contextlib.suppress(OSError):
            return pathlib.Path(path).read_text(encoding="utf-8", errors="replace")
        return ""

    def first_line(*command):
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
            return (done.stdout + done.stderr).strip().split("\n")[0]
        return ""

    models = [line.split(":", 1)[1].strip() for line in text("/proc/cpuinfo").split("\n")
              if line.startswith("model name")]
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "commit": first_line("git", "-C", str(ROOT), "describe", "--always", "--dirty"),
        "cpu": models[0] if models else platform.machine(), "cpus": os.cpu_count(), "kernel": platform.release(),
        "libcrypto": first_line("openssl", "version"),
        "programs": {name: first_line(path, "-V") for name, path in names.items()},
        "congestion": loopback.in_force(),
        "tcp": {name: text(f"/proc/sys/net/ipv4/{name}").split()
                for name in ("tcp_rmem", "tcp_wmem")},
    }


def verdict(met):
    return "" if met is None else "met" if met else "MISSED"


def line(what, sshd, aditd, unit, met=None, target="", digits=1):
    """One line of a table that has sshd beside aditd; a number that was not taken is None."""
    def number(value):
        return "-" if value is None else f"{value:.{digits}f}"

    ratio = f"{aditd / sshd:8.3g}" if sshd and aditd is not None else f"{'':>8}"
    print(f"{what:<46} | {number(sshd):>9} {number(aditd):>9} {unit:<10} {ratio} | {target:<16} {verdict(met)}",
          flush=True)


def head(title):
    print(f"\n{title:<46} | {'sshd':>9} {'aditd':>9} {'':<10} {'ratio':>8} |", flush=True)
