"""One stream through each pair of client and server, in turn: nobody who changes one end may lose by it."""
from lab import CIPHERS, CLIENTS, SERVERS
from programs import Programs
from report import summary, verdict

from .transfer import measure_undisturbed

NAME = "B1-servers"
ABOUT = "each client against sshd and aditd: bulk, CPU of both ends"
PAIRS = [(client, server) for client in CLIENTS for server in SERVERS]
BASE = ("ssh", "sshd")
HEAD = f"\n{'cipher':<18} {'data':<5} {'pair':<12} | {'MB/s':>14} {'ratio':>6} | {'client':>6} {'server CPU-s/GB':>16} |"


def conclude(cipher, direction, runs):
    """One cell for each pair; the ratio is to ssh with sshd."""
    base = summary([run["mb_s"] for run in runs[BASE]])["median"]
    for pair in PAIRS:
        cell = {"cipher": cipher, "forward": "-L", "direction": direction, "client": pair[0], "server": pair[1],
                "runs": runs[pair]}
        for key in ("mb_s", "cpu_s_per_gb", "server_cpu_s_per_gb"):
            cell[key] = summary([run[key] for run in runs[pair]])
        cell["ratio"] = cell["mb_s"]["median"] / base
        cell["met"] = None if pair == BASE else cell["ratio"] >= 1
        yield cell


def print_cell(cell):
    print(f"{cell['cipher'].split('@')[0]:<18} {cell['direction']:<5} {cell['client'] + '-' + cell['server']:<12} | "
          f"{cell['mb_s']['median']:6.0f} +-{cell['mb_s']['iqr']:5.0f} {cell['ratio']:6.2f} | "
          f"{cell['cpu_s_per_gb']['median']:6.2f} {cell['server_cpu_s_per_gb']['median']:16.2f} | "
          f"{verdict(cell['met'])}", flush=True)


def run(lab, args):
    print(HEAD, flush=True)
    results = []
    with Programs() as programs:
        servers = {name: lab.server(programs, name) for name in SERVERS}
        for cipher in args.cipher or CIPHERS[:1]:
            for direction in args.direction or ["up", "down"]:
                runs = {pair: [] for pair in PAIRS}
                for turn in range(args.rounds):
                    for pair in PAIRS if turn % 2 else reversed(PAIRS):
                        cell = cipher, "-L", direction
                        runs[pair].append(measure_undisturbed(lab, pair[0], servers[pair[1]], cell, args))
                results += conclude(cipher, direction, runs)
                for cell in results[-len(PAIRS):]:
                    print_cell(cell)
    return results
