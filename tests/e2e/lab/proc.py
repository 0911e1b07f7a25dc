"""Child processes: start one, read what it says, wait for a condition with a deadline, end it by its pid."""
import os
import pty
import re
import select
import signal
import subprocess
import threading
import time

PATIENCE = float(os.environ.get("ADIT_TEST_PATIENCE", "20"))  # seconds until a condition that must come counts as lost


def until(condition, seconds=None, what="the condition"):
    """Polls until condition() is true and returns its value; fails after the deadline."""
    end = time.monotonic() + (PATIENCE if seconds is None else seconds)
    pause = 0.001
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain for {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.02)


class Child:
    """One process. With tty=True it gets a terminal of its own (its stdin, stdout and stderr), else pipes and no
    terminal at all, so that nothing can ask the person who runs the tests."""

    def __init__(self, argv, *, tty=False, stdin=subprocess.DEVNULL, env=None, user=None, group=None, cwd=None,
                 pass_fds=()):
        self.argv = [str(a) for a in argv]
        self._said = bytearray()
        self._out = bytearray()
        self._change = threading.Condition()
        self._open = {}
        self.tty = None
        keep = {"env": env, "cwd": cwd}
        if user is not None:
            keep.update(user=user, group=group, extra_groups=[])
        if tty:
            self.tty, slave = pty.openpty()
            # setsid replaces itself by the program, which then has the terminal that /dev/tty means
            self.process = subprocess.Popen(["setsid", "--ctty", *self.argv], stdin=slave, stdout=slave,
                                            stderr=slave, **keep)
            os.close(slave)
            self._read(os.dup(self.tty), self._said)
        else:
            self.process = subprocess.Popen(self.argv, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                            start_new_session=True, pass_fds=pass_fds, **keep)
            self._read(self.process.stderr.fileno(), self._said)
            self._read(self.process.stdout.fileno(), self._out)
        self.pid = self.process.pid

    def _read(self, fd, into):
        os.set_blocking(fd, False)
        self._open[fd] = into
        readable = select.poll()
        readable.register(fd, select.POLLIN)

        def run():
            while fd in self._open:
                readable.poll()
                with self._change:
                    self._drain(fd)

        threading.Thread(target=run, daemon=True).start()

    def _drain(self, fd):
        """Takes what is there, with the lock held."""
        while fd in self._open:
            try:
                piece = os.read(fd, 65536)
            except BlockingIOError:
                return
            except OSError:  # the terminal's other side is gone
                piece = b""
            self._open[fd].extend(piece)
            if not piece:
                del self._open[fd]
            self._change.notify_all()

    def _now(self, which):
        """What it wrote until now: a test may have seen its effect before our thread has read the words."""
        with self._change:
            for fd in [*self._open]:
                self._drain(fd)
            return which.decode("utf-8", "surrogateescape")

    @property
    def said(self):
        """Everything from stderr (with a terminal: everything) up to now, as text."""
        return self._now(self._said)

    @property
    def out(self):
        """Everything from stdout up to now, as text."""
        return self._now(self._out)

    def told(self, pattern, seconds=None, after=0):
        """Waits until stderr (or the terminal) matches `pattern` beyond position `after`; returns the match."""
        end = time.monotonic() + (PATIENCE if seconds is None else seconds)
        regex = re.compile(pattern)
        with self._change:
            while True:
                match = regex.search(self._said.decode("utf-8", "surrogateescape"), after)
                if match:
                    return match
                left = end - time.monotonic()
                assert left > 0, f"{self}\nnever said {pattern!r}"
                assert self._open, f"{self}\nended without saying {pattern!r}"
                self._change.wait(left)

    def type(self, text):
        os.write(self.tty, text.encode())

    def alive(self):
        return self.process.poll() is None

    def ended(self, seconds=None):
        """Waits for the end of the process and of its output; returns the exit status (negative: the signal)."""
        try:
            status = self.process.wait(PATIENCE if seconds is None else seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self}\nstill runs") from None
        with self._change:
            self._change.wait_for(lambda: not self._open, 2)  # a grandchild may hold the pipe open: not for ever
        return status

    def stop(self, sig=signal.SIGTERM):
        """Ends the process and returns its status; whoever does not listen is killed."""
        if self.alive():
            self.process.send_signal(sig)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.tty is not None:
            os.close(self.tty)
            self.tty = None
        return self.process.returncode

    def __str__(self):
        state = "runs" if self.alive() else f"ended with {self.process.returncode}"
        return f"$ {' '.join(self.argv)}\n[{state}]\n{self.said}"


def descendants(pid):
    """The pids below a process, children before grandchildren."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as stat:
                    parents[int(entry)] = int(stat.read().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                pass
    found, todo = [], [pid]
    while todo:
        parent = todo.pop(0)
        below = [child for child, its in parents.items() if its == parent]
        found += below
        todo += below
    return found


def cpu_seconds(pid):
    """User and system time that a process (its first thread) has used."""
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as text:
        return int(text.read().split()[0]) / 1e9


def private_kib(pid):
    """Memory that only this process holds. Nobody but root may look closely at adit; its own pages are no secret."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as rollup:
            return sum(int(line.split()[1]) for line in rollup if line.startswith("Private_"))
    except PermissionError:
        with open(f"/proc/{pid}/status", encoding="utf-8") as status:
            return sum(int(line.split()[1]) for line in status if line.startswith("RssAnon:"))


def descriptors_of(pid):
    """How many a process holds; None when only root may see that and we cannot be root."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except PermissionError:
        seen = subprocess.run(["sudo", "-n", "ls", f"/proc/{pid}/fd"], capture_output=True, text=True, check=False)
        return len(seen.stdout.split()) if seen.returncode == 0 else None
