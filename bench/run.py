#!/usr/bin/python3
"""Measures ssh and adit in turn against the same private sshd: MB/s, and CPU seconds per GB of the client process.

One cell = cipher x kind of forward (-L, -R) x direction of the data (up: client to server). In each round both clients
run one after the other, in changing order. Bytes are counted where they arrive, from --warm seconds after the first
one; nothing is pinned to a CPU. ADIT, ADIT_SSH, ADIT_SSHD and ADIT_LOAD name other programs than the usual ones.
"""
import argparse
import contextlib
import datetime
import getpass
import json
import os
import pathlib
import platform
import pwd
import select
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PATIENCE = 30  # seconds, for whatever should take none
CIPHERS = ["aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com"]
FORWARDS = ["-L", "-R"]
DIRECTIONS = ["up", "down"]
MAX_CPU = {CIPHERS[0]: 0.8, CIPHERS[1]: 0.6}  # what adit may use of ssh's CPU per GB
STEAL = 0.01  # a run that lost more of the machine than this is repeated, twice at most
TICKS = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """A sentence for the person who started the benchmark."""


def find(variable, *places):
    """A program: as the environment names it, or the first of the places (a bare name is looked up in PATH)."""
    for place in [os.environ.get(variable) or ""] if variable in os.environ else places:
        if shutil.which(place):
            return os.path.abspath(shutil.which(place))
    raise Failed(f"no program at {' or '.join(map(str, places))}; {variable}=... names another")


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS  # utime + stime, all threads


def machine_ticks():
    """Ticks that another guest had instead of us, and all ticks."""
    fields = [int(f) for f in pathlib.Path("/proc/stat").read_text(encoding="ascii").split("\n")[0].split()[1:9]]
    return fields[7], sum(fields)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def reachable(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class Programs:
    """The children of this benchmark: each ends with the `with` that it was started for."""

    def __init__(self, folder):
        self.folder = folder
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stack.close()

    def start(self, command, **options):
        log = self.stack.enter_context(tempfile.TemporaryFile("w+"))
        child = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stderr=log, **options)
        child.log, child.unread = log, ""
        self.stack.callback(end, child)
        return child

    def load(self, *args):
        """A server of the load generator, with its port."""
        child = self.start([LOAD, *args], stdout=subprocess.PIPE)
        child.port = answer(child)["port"]
        return child


def end(child):
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    if child.stdout:
        child.stdout.close()


def said(child):
    child.log.seek(0)
    return child.log.read().strip() or "it said nothing"


def answer(child):
    """The next line of JSON of a child."""
    while "\n" not in child.unread:
        if not select.select([child.stdout], [], [], PATIENCE)[0]:
            raise Failed(f"{child.args[0]} gives no answer: {said(child)}")
        piece = os.read(child.stdout.fileno(), 4096).decode("ascii")
        if not piece:
            raise Failed(f"{child.args[0]} ended: {said(child)}")
        child.unread += piece
    line, child.unread = child.unread.split("\n", 1)
    return json.loads(line)


def wait_for_port(port, child):
    until = time.monotonic() + PATIENCE
    while not reachable(port):
        if child.poll() is not None or time.monotonic() > until:
            raise Failed(f"{' '.join(child.args)}\nnever listened: {said(child)}")
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(0.01)


class Lab:
    """Throw-away keys and one private sshd. Root lends it an ordinary account: then it needs nothing of the system."""

    def __init__(self, folder, programs):
        self.folder = folder
        os.chmod(folder, 0o755)
        as_root = os.geteuid() == 0
        self.user = "daemon" if as_root else getpass.getuser()
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", folder / name], check=True)
        self.port = free_port()
        host_key = (folder / "host.pub").read_text(encoding="ascii")
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {host_key}", encoding="ascii")
        shutil.copy(folder / "user.pub", folder / "authorized_keys")
        (folder / "sshd_config").write_text("\n".join([
            f"Port {self.port}", "ListenAddress 127.0.0.1", f"HostKey {folder}/host", "PidFile none", "UsePAM no",
            f"AuthorizedKeysFile {folder}/authorized_keys", "StrictModes no", "UseDNS no", "LogLevel ERROR",
            f"Ciphers {','.join(CIPHERS)}", "RekeyLimit 64G", "MaxStartups 10000", "PasswordAuthentication no",
            "KbdInteractiveAuthentication no", "AllowTcpForwarding yes", ""]), encoding="ascii")
        identity = {}
        if as_root:
            account = pwd.getpwnam(self.user)
            os.chown(folder / "host", account.pw_uid, account.pw_gid)
            identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        sshd = find("ADIT_SSHD", "/usr/sbin/sshd", ROOT / "build/peers/usr/sbin/sshd")
        if as_root:  # the account may be kept out of where it stands
            sshd = shutil.copy(sshd, folder / "sshd")
        wait_for_port(self.port, programs.start([sshd, "-D", "-e", "-f", folder / "sshd_config"], **identity))

    def client(self, program, cipher, *forward):
        options = {
            "IdentityFile": self.folder / "user", "IdentitiesOnly": "yes", "BatchMode": "yes",
            "UserKnownHostsFile": self.folder / "known_hosts", "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes", "Ciphers": cipher, "Compression": "no", "RekeyLimit": "64G",
            "ExitOnForwardFailure": "yes", "LogLevel": "ERROR",
        }
        return [program, "-F", "/dev/null", "-N", "-T", "-p", self.port,
                *[part for name, value in options.items() for part in ("-o", f"{name}={value}")],
                *forward, f"{self.user}@127.0.0.1"]


def transfer(programs, port_of, to_sink, times):
    """Moves data for a time to a sink, or from a source, behind the port that port_of(target) gives."""
    if to_sink:
        sink = programs.load("-w", times.warm, "sink", 0)
        port, client = port_of(sink.port)
        before = cpu_seconds(client.pid) if client else 0
        sender = programs.start([LOAD, "send", "127.0.0.1", port, f"{times.seconds}s"], stdout=subprocess.PIPE)
        answer(sender)
        result = answer(sink)
        while result["bytes"] == 0:  # a look whether the port is there
            result = answer(sink)
    else:
        source = programs.load("source", 0, f"{times.seconds}s")
        port, client = port_of(source.port)
        before = cpu_seconds(client.pid) if client else 0
        result = answer(programs.start([LOAD, "-w", times.warm, "recv", "127.0.0.1", port], stdout=subprocess.PIPE))
    result["cpu"] = cpu_seconds(client.pid) - before if client else 0
    if result["broken"] or result["mb_s"] == 0:
        raise Failed(f"the transfer broke: {result}; the client: {said(client) if client else 'none'}")
    return result


def measure(lab, program, cell, times):
    """One run of one client."""
    cipher, forward, direction = cell

    with Programs(lab.folder) as programs:
        def through_client(target):
            port = free_port()
            client = programs.start(lab.client(program, cipher, forward, f"127.0.0.1:{port}:127.0.0.1:{target}"))
            wait_for_port(port, client)
            return port, client

        stolen, ticks = machine_ticks()
        # -L enters at the client: sending there is up. -R enters at the server: sending there is down.
        result = transfer(programs, through_client, (forward == "-L") == (direction == "up"), times)
        after = machine_ticks()
    return {
        "mb_s": result["mb_s"], "cpu_s_per_gb": result["cpu"] / result["bytes"] * 1e9, "bytes": result["bytes"],
        "steal": (after[0] - stolen) / max(1, after[1] - ticks),
    }


def measure_undisturbed(*args):
    runs = []
    while len(runs) < 3 and (not runs or runs[-1]["steal"] > STEAL):
        runs.append(measure(*args))
    return min(runs, key=lambda run: run["steal"])


def direct(folder, times):
    """What the generator and the sink do alone."""
    with Programs(folder) as programs:
        return transfer(programs, lambda target: (target, None), True, times)["mb_s"]


def summary(values):
    spread = statistics.quantiles(values, n=4) if len(values) > 1 else [values[0]] * 3
    return {"median": statistics.median(values), "iqr": spread[2] - spread[0]}


def conclude(cell, runs):
    row = {"cipher": cell[0], "forward": cell[1], "direction": cell[2], "runs": runs}
    for key in ("mb_s", "cpu_s_per_gb"):
        row[key] = {name: summary([run[key] for run in runs[name]]) for name in runs}
        row[key]["ratio"] = row[key]["adit"]["median"] / row[key]["ssh"]["median"]
    row["met"] = row["cpu_s_per_gb"]["ratio"] <= MAX_CPU[cell[0]] and (
        cell[0] != CIPHERS[0] or row["mb_s"]["ratio"] >= 1)
    return row


HEAD = (f"{'cipher':<18} {'':<3}{'data':<5} | {'ssh':>6} {'adit MB/s':>14} {'ratio':>6} | "
        f"{'ssh':>6} {'adit CPU-s/GB':>14} {'ratio':>6} |")


def print_row(row):
    speed, cpu = row["mb_s"], row["cpu_s_per_gb"]
    print(f"{row['cipher'].split('@')[0]:<18} {row['forward']:<3}{row['direction']:<5} | "
          f"{speed['ssh']['median']:6.0f} {speed['adit']['median']:6.0f} +-{speed['adit']['iqr']:5.0f} "
          f"{speed['ratio']:6.2f} | {cpu['ssh']['median']:6.2f} {cpu['adit']['median']:6.2f} "
          f"+-{cpu['adit']['iqr']:5.2f} {cpu['ratio']:6.2f} | "
          f"{'met' if row['met'] else 'MISSED'}", flush=True)


def surroundings(names):
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
        "tcp": {name: text(f"/proc/sys/net/ipv4/{name}").split()
                for name in ("tcp_congestion_control", "tcp_rmem", "tcp_wmem")},
    }


def arguments():
    parser = argparse.ArgumentParser(description="Measures ssh and adit in turn against the same sshd.")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each client in each cell (%(default)s)")
    parser.add_argument("--seconds", type=int, default=6, help="length of a run (%(default)s)")
    parser.add_argument("--warm", type=int, default=2, help="seconds of it that do not count (%(default)s)")
    parser.add_argument("--cipher", action="append", choices=CIPHERS, help="only this one")
    parser.add_argument("--forward", action="append", choices=["L", "R"], help="only this kind")
    parser.add_argument("--direction", action="append", choices=DIRECTIONS, help="only this one")
    parser.add_argument("--check", action="store_true", help="exit 1 when a cell misses its target")
    args = parser.parse_args()
    if not 0 <= args.warm < args.seconds or args.rounds < 1:
        parser.error("0 <= warm < seconds and 1 <= rounds are needed")
    return args


def bench(args, folder, programs):
    names = {"ssh": find("ADIT_SSH", "ssh"), "adit": find("ADIT", ROOT / "build/adit")}
    cells = [(cipher, forward, direction) for cipher in args.cipher or CIPHERS
             for forward in ([f"-{f}" for f in args.forward] if args.forward else FORWARDS)
             for direction in args.direction or DIRECTIONS]
    report = {"surroundings": surroundings(names), "rounds": args.rounds, "seconds": args.seconds, "warm": args.warm,
              "direct_mb_s": direct(folder, args), "cells": []}
    lab = Lab(folder, programs)
    print(f"{report['surroundings']['cpu']}, {os.cpu_count()} CPUs; "
          f"the generator alone: {report['direct_mb_s']:.0f} MB/s; {args.rounds} rounds of {args.seconds} s\n{HEAD}",
          flush=True)
    for cell in cells:
        runs = {"ssh": [], "adit": []}
        for turn in range(args.rounds):
            for name in sorted(names, reverse=turn % 2 == 0):
                runs[name].append(measure_undisturbed(lab, names[name], cell, args))
        report["cells"].append(conclude(cell, runs))
        print_row(report["cells"][-1])
    return report


def main():
    global LOAD
    args = arguments()
    # A signal ends the children too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        LOAD = find("ADIT_LOAD", ROOT / "build/bench/load")
        with tempfile.TemporaryDirectory(prefix="adit-bench.") as folder, Programs(folder) as programs:
            report = bench(args, pathlib.Path(folder), programs)
    except Failed as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 2
    results = ROOT / "bench/results"
    results.mkdir(exist_ok=True)
    path = results / (report["surroundings"]["date"][:19].replace(":", "") + ".json")
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    missed = [row for row in report["cells"] if not row["met"]]
    print(f"{len(report['cells']) - len(missed)} of {len(report['cells'])} cells meet their targets; "
          f"{path.relative_to(ROOT)}")
    return 1 if args.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
