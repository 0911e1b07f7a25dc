"""One stream through ssh and through adit, in turn, against the same sshd: MB/s, and CPU seconds per GB of the client.

One cell = cipher x kind of forward (-L, -R) x direction of the data (up: client to server).
"""
from lab import CIPHERS, CLIENTS
from programs import Programs
from report import summary, verdict

from .transfer import measure_undisturbed

NAME = "B1-clients"
ABOUT = "ssh and adit against the same sshd: bulk, CPU of the client"
FORWARDS = ["-L", "-R"]
DIRECTIONS = ["up", "down"]
MAX_CPU = {CIPHERS[0]: 0.8, CIPHERS[1]: 0.6}  # what adit may use of ssh's CPU per GB
HEAD = (f"\n{'cipher':<18} {'':<3}{'data':<5} | {'ssh':>6} {'adit MB/s':>14} {'ratio':>6} | "
        f"{'ssh':>6} {'adit CPU-s/GB':>14} {'ratio':>6} |")


def conclude(cell, runs):
    row = {"cipher": cell[0], "forward": cell[1], "direction": cell[2], "runs": runs}
    for key in ("mb_s", "cpu_s_per_gb"):
        row[key] = {name: summary([run[key] for run in runs[name]]) for name in runs}
        row[key]["ratio"] = row[key]["adit"]["median"] / row[key]["ssh"]["median"]
    row["met"] = row["cpu_s_per_gb"]["ratio"] <= MAX_CPU[cell[0]] and (
        cell[0] != CIPHERS[0] or row["mb_s"]["ratio"] >= 1)
    return row


def print_row(row):
    speed, cpu = row["mb_s"], row["cpu_s_per_gb"]
    print(f"{row['cipher'].split('@')[0]:<18} {row['forward']:<3}{row['direction']:<5} | "
          f"{speed['ssh']['median']:6.0f} {speed['adit']['median']:6.0f} +-{speed['adit']['iqr']:5.0f} "
          f"{speed['ratio']:6.2f} | {cpu['ssh']['median']:6.2f} {cpu['adit']['median']:6.2f} "
          f"+-{cpu['adit']['iqr']:5.2f} {cpu['ratio']:6.2f} | {verdict(row['met'])}", flush=True)


def run(lab, args):
    cells = [(cipher, forward, direction) for cipher in args.cipher or CIPHERS
             for forward in ([f"-{f}" for f in args.forward] if args.forward else FORWARDS)
             for direction in args.direction or DIRECTIONS]
    print(HEAD, flush=True)
    results = []
    with Programs() as programs:
        server = lab.server(programs, "sshd")
        for cell in cells:
            runs = {name: [] for name in CLIENTS}
            for turn in range(args.rounds):
                for name in sorted(CLIENTS, reverse=turn % 2 == 0):
                    runs[name].append(measure_undisturbed(lab, name, server, cell, args))
            results.append(conclude(cell, runs))
            print_row(results[-1])
    return results
