"""Finding, starting, asking and ending the programs of the benchmark; what the system says of them."""
import contextlib
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PATIENCE = 30  # seconds, for whatever should take none
TICKS = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """A sentence for the person who started the benchmark."""


def find(variable, *places):
    """A program: as the environment names it, or the first of the places (a bare name is looked up in PATH)."""
    for place in [os.environ.get(variable) or ""] if variable in os.environ else places:
        if shutil.which(place):
            return os.path.abspath(shutil.which(place))
    raise Failed(f"no program at {' or '.join(map(str, places))}; {variable}=... names another")


def load_program():
    return find("ADIT_LOAD", ROOT / "build/bench/load")


def many_program():
    return find("ADIT_MANY", ROOT / "build/bench/many")


# ---- processes, as the system sees them

def stat_fields(pid):
    """/proc/PID/stat from the state on: field 0 is the third of proc(5)."""
    return pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rsplit(")", 1)[1].split()


def cpu_seconds(pid):
    fields = stat_fields(pid)
    return (int(fields[11]) + int(fields[12])) / TICKS  # utime + stime, all threads


def family(pid):
    """A process and all below it."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                parents.setdefault(int(stat_fields(entry)[1]), []).append(int(entry))
    found = [pid]
    for one in found:
        found += parents.get(one, [])
    return found


def family_cpu_seconds(pid):
    """What a process and all below it have used, those included that have ended and were waited for."""
    total = 0
    for one in family(pid):
        with contextlib.suppress(OSError):
            total += sum(map(int, stat_fields(one)[11:15]))
    return total / TICKS


def pss_kib(pid):
    """Proportional memory of a process. Who may not look closely at it gets its unshared pages, which is about the same
    for what a connection costs."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as text:
            return next(int(line.split()[1]) for line in text if line.startswith("Pss:"))
    except PermissionError:
        _, resident, shared = pathlib.Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[:3]
        return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE") // 1024


def family_kib(pid):
    total = 0
    for one in family(pid):
        with contextlib.suppress(OSError, StopIteration):
            total += pss_kib(one)
    return total


def settled_kib(pid, seconds):
    """The memory of a family once it stops changing, or after so many seconds."""
    until, before = time.monotonic() + seconds, -1
    while time.monotonic() < until:
        now = family_kib(pid)
        if now == before:
            break
        before = now
        time.sleep(1)
    return family_kib(pid)


def machine_ticks():
    """Ticks that another guest had instead of us, and all ticks."""
    fields = [int(f) for f in pathlib.Path("/proc/stat").read_text(encoding="ascii").split("\n")[0].split()[1:9]]
    return fields[7], sum(fields)


# ---- ports

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def reachable(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


# ---- children

class Programs:
    """Children: each ends with the `with` that it was started for."""

    def __init__(self):
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stack.close()

    def start(self, command, **options):
        log = self.stack.enter_context(tempfile.TemporaryFile("w+"))
        child = subprocess.Popen([str(c) for c in command], **{"stdin": subprocess.DEVNULL, "stderr": log, **options})
        child.log, child.unread = log, ""
        self.stack.callback(end, child)
        return child

    def load(self, *args):
        """A server of the load generator, with its port."""
        child = self.start([load_program(), *args], stdout=subprocess.PIPE)
        child.port = answer(child)["port"]
        return child

    def many(self, port, user, key):
        """A driver of many connections."""
        return Driver(self.start([many_program(), port, user, key], stdin=subprocess.PIPE, stdout=subprocess.PIPE))


class Driver:
    """bench/many, told what to do and asked what came of it."""

    def __init__(self, child):
        self.child = child

    def tell(self, *words, patience=PATIENCE):
        self.child.stdin.write((" ".join(map(str, words)) + "\n").encode())
        self.child.stdin.flush()
        return answer(self.child, patience)

    def must(self, *words, **how):
        """The same, where all of it has to succeed."""
        result = self.tell(*words, **how)
        if result["failed"] or result["lost"]:
            raise Failed(f"{' '.join(map(str, words))}: {result['failed']} failed, {result['lost']} connections were "
                         f"lost: {result['why'] or 'without a reason'}")
        return result


def end(child):
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    for stream in (child.stdin, child.stdout):
        if stream:
            stream.close()


def said(child):
    child.log.seek(0)
    return child.log.read().strip() or "it said nothing"


def answer(child, patience=PATIENCE):
    """The next line of JSON of a child."""
    while "\n" not in child.unread:
        if not select.select([child.stdout], [], [], patience)[0]:
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
