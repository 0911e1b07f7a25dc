"""A client that asks a server for one thing at a time and says what it answered: AsyncSSH, in a thread of its own."""
import asyncio
import contextlib
import functools
import threading
import warnings

from .proc import PATIENCE

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import asyncssh


@functools.lru_cache(maxsize=1)
def _loop():
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return loop


def start(work):
    """Begins something that is awaited, from an ordinary function: a future."""
    async def run():
        return await work

    return asyncio.run_coroutine_threadsafe(run(), _loop())


def do(work, seconds=None):
    """The same, to its end."""
    future = start(work)
    try:
        return future.result(PATIENCE if seconds is None else seconds)
    except TimeoutError:
        future.cancel()
        raise


class Client(asyncssh.SSHClient):
    """Keeps what the server said besides."""

    def __init__(self):
        self.banner = ""
        self.told = []
        self.lost = None
        self.ended = threading.Event()

    def auth_banner_received(self, msg, lang):
        self.banner += msg

    def debug_msg_received(self, msg, lang, always_display):
        self.told.append((always_display, msg))

    def connection_lost(self, exc):
        self.lost = exc
        self.ended.set()


class Probe:
    """One login. `key`: a path, or a list of paths; `certificate`: a path. Raises what AsyncSSH raises."""

    def __init__(self, server, key, user=None, certificate=None, host=None, port=None, **options):
        keys = [key] if isinstance(key, (str, bytes)) or not isinstance(key, (list, tuple)) else key
        pairs = [(str(one), str(certificate)) if certificate else str(one) for one in keys]
        self.listeners = []
        self.connection, self.client = do(asyncssh.create_connection(
            Client, host or server.host, port or server.port, username=user or server.user, client_keys=pairs,
            known_hosts=None, agent_path=None, config=None, **options))

    @property
    def banner(self):
        return self.client.banner

    @property
    def told(self):
        """The DEBUG messages so far: (always_display, text)."""
        return self.client.told

    def open(self, host, port):
        """Opens a channel to host:port: (reader, writer), or the server's refusal as ChannelOpenError."""
        return do(self.connection.open_connection(host, port))

    def open_unix(self, path):
        return do(self.connection.open_unix_connection(str(path)))

    def reaches(self, host, port=None):
        """"yes", "prohibited" or "failed": what became of a channel to host:port or, without a port, to a path."""
        try:
            _, writer = self.open(host, port) if port else self.open_unix(host)
        except asyncssh.ChannelOpenError as error:
            words = {asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED: "prohibited", asyncssh.OPEN_CONNECT_FAILED: "failed"}
            return words.get(error.code, f"code {error.code}")
        self.shut(writer)
        return "yes"

    def session(self):
        """Asks for a command: what the server says to that, or None if it runs one."""
        try:
            do(self.connection.run("true"))
        except asyncssh.ChannelOpenError as error:
            return error.reason
        return None

    @staticmethod
    def write(writer, data, last=False):
        """Sends data, and the end of the stream behind it. Only the loop's own thread may call the writer itself."""
        def send():
            writer.write(data)
            if last:
                writer.write_eof()

        _loop().call_soon_threadsafe(send)

    @staticmethod
    def shut(writer):
        """Ends a channel or a listener."""
        _loop().call_soon_threadsafe(writer.close)

    def listen(self, host, port, target=None):
        """Asks for a listener: its port, or None if it was refused. `target`: ("host", port) here, for connections."""
        target = target or ("127.0.0.1", 1)
        try:
            one = do(self.connection.forward_remote_port(host, port, *target))
        except asyncssh.ChannelListenError:
            return None
        self.listeners.append(one)
        return one.get_port()

    def listen_unix(self, path, target="/nowhere"):
        """The same for a unix socket: is it granted? `target`: a path here."""
        try:
            one = do(self.connection.forward_remote_path(str(path), str(target)))
        except asyncssh.ChannelListenError:
            return False
        self.listeners.append(one)
        return True

    def is_over(self, seconds=None):
        """Waits for the end of the connection: what it was, or None for none."""
        assert self.client.ended.wait(PATIENCE if seconds is None else seconds), "the connection stands"
        return self.client.lost

    def stands(self):
        return not self.client.ended.is_set()

    def close(self):
        async def end():
            self.connection.close()
            await self.connection.wait_closed()

        with contextlib.suppress(Exception):
            do(end(), 5)


def refusal(function, *args, **more):
    """Why a login fails, as AsyncSSH says it; fails if it does not."""
    try:
        probe = function(*args, **more)
    except (asyncssh.Error, OSError) as error:
        return f"{type(error).__name__}: {error}"
    probe.close()
    raise AssertionError("the login was not refused")
