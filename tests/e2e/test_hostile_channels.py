"""What a bad server may send during and after the login: authentication, channels, requests. Name, script, verdict."""
import re
import threading

import pytest

from lab.agent import askpass
from lab.hostile import Hostile
from lab.net import call
from lab.wire import (CHANNEL_FAILURE, CHANNEL_REQUEST, CHANNEL_SUCCESS, CLOSE, DATA, EOF, EXTENDED_DATA,
                      GLOBAL_REQUEST, IGNORE, KEXINIT, NEWKEYS, OPEN, OPEN_CONFIRMATION, OPEN_FAILURE, REQUEST_FAILURE,
                      REQUEST_SUCCESS, SERVICE_ACCEPT, SERVICE_REQUEST, USERAUTH_60, USERAUTH_BANNER, USERAUTH_FAILURE,
                      USERAUTH_REQUEST, USERAUTH_SUCCESS, WINDOW_ADJUST, Reader, string, u32)

ENDS, LIVES = True, False
CASES = []


def case(name, verdict=ENDS, pattern=None, flags=()):
    """Enters a script in the table; verdict: the connection must end, or must go on as if nothing had been."""
    def enter(script):
        CASES.append(pytest.param(script, verdict, pattern, flags, id=name))
        return script
    return enter


@pytest.mark.parametrize("script, verdict, pattern, flags", CASES)
def test_case(play, script, verdict, pattern, flags):
    play(script, flags, verdict, pattern)


# ---- during the login

def secured(wire):
    wire.hello()
    wire.handshake()
    wire.ext_info()


def instead_of_login(number, *parts, asked=False):
    """The message comes where the client waits for another one."""
    def script(wire):
        secured(wire)
        if asked:
            wire.service()
            wire.read_login()
        wire.send(number, *parts)
        wire.serve()
    return script


case("login: SUCCESS out of the blue")(instead_of_login(USERAUTH_SUCCESS))
case("login: FAILURE out of the blue")(instead_of_login(USERAUTH_FAILURE, string("publickey"), b"\0"))
case("login: SERVICE_ACCEPT of another service")(instead_of_login(SERVICE_ACCEPT, string("ssh-connection")))
case("login: SERVICE_REQUEST from the server")(instead_of_login(SERVICE_REQUEST, string("ssh-userauth")))
case("login: USERAUTH_REQUEST from the server")(instead_of_login(USERAUTH_REQUEST, string("root"), asked=True))
case("login: CHANNEL_OPEN before it")(instead_of_login(OPEN, string("forwarded-tcpip"), u32(0, 9, 9), asked=True))
case("login: GLOBAL_REQUEST before it")(instead_of_login(GLOBAL_REQUEST, string("hostkeys-00@openssh.com"), b"\0",
                                                         asked=True))
case("login: DATA before it")(instead_of_login(DATA, u32(0), string("x"), asked=True))
case("login: NEWKEYS in it")(instead_of_login(NEWKEYS, asked=True))
case("login: FAILURE truncated")(instead_of_login(USERAUTH_FAILURE, u32(100), b"x", asked=True))
case("login: FAILURE with a tail")(instead_of_login(USERAUTH_FAILURE, string("publickey"), b"\0tail", asked=True))
case("login: SUCCESS with a tail")(instead_of_login(USERAUTH_SUCCESS, b"tail", asked=True))
case("login: no method is left", ENDS, r"Permission denied \(")(
    instead_of_login(USERAUTH_FAILURE, string("unheard-of"), b"\0", asked=True))
case("login: methods with escapes", ENDS, "Permission denied")(
    instead_of_login(USERAUTH_FAILURE, string("\x1b[2Jx,\x07"), b"\0", asked=True))
case("login: banner truncated")(instead_of_login(USERAUTH_BANNER, u32(50), b"x"))


@case("login: PK_OK for another key")
def _(wire):
    secured(wire)
    wire.service()
    wire.read_login()
    wire.send(USERAUTH_60, string("ssh-ed25519"), string("not that key"))
    wire.drain()


@case("login: PK_OK for ever", ENDS)
def _(wire):
    secured(wire)
    wire.service()
    _, reader = wire.read_login()
    for _ in range(1000):
        wire.send(USERAUTH_60, string("ssh-ed25519"), string(wire.host_blob()))
    wire.drain()


@case("login: FAILURE for ever, each time with partial success", ENDS, "Permission denied|denied")
def _(wire):
    secured(wire)
    wire.service()
    for _ in range(1000):
        wire.read_login()
        wire.send(USERAUTH_FAILURE, string("publickey"), b"\1")


@case("after login: SUCCESS again")
def _(wire):
    wire.welcome()
    wire.send(USERAUTH_SUCCESS)
    wire.serve()


@case("after login: FAILURE")
def _(wire):
    wire.welcome()
    wire.send(USERAUTH_FAILURE, string("publickey"), b"\0")
    wire.serve()


@case("after login: a banner")
def _(wire):
    wire.welcome()
    wire.send(USERAUTH_BANNER, string("too late"), string(""))
    wire.serve()


@pytest.mark.parametrize("text", ["\x1b[31m" * 20000, "\x1b]52;c;ZXZpbA==\x07hidden\r\n" * 100,
                                  b"\xff\xfe\x9b31m".decode("latin-1") * 100, "\u202egnp.exe\n\u200b"])
def test_banner(play, text):
    """Shown, whatever is in it, with nothing that a terminal would obey."""
    def script(wire):
        secured(wire)
        wire.service()
        wire.send(USERAUTH_BANNER, string(text), string(""))
        while True:
            method, reader = wire.read_login()
            if method == b"publickey" and reader.boolean():
                break
            wire.send(USERAUTH_FAILURE, string("publickey"), b"\0") if method != b"publickey" else wire.send(
                USERAUTH_60, string(reader.string()), string(reader.string()))
        wire.send(USERAUTH_SUCCESS)
        wire.serve()

    one, _ = play(script, ends=LIVES)
    assert one.said
    shown = one.said.replace("\r\n", "\n")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b]", shown)


def test_a_dozen_banners(play):
    """Ten are enough."""
    def script(wire):
        secured(wire)
        wire.service()
        for _ in range(12):
            wire.send(USERAUTH_BANNER, string("advertisement"), string(""))
        wire.drain()

    one, _ = play(script, lines=11)
    assert one.said.count("advertisement") <= 10


PROMPTS = [
    ("endless count", ENDS, u32(0xffffffff)),
    ("a thousand", ENDS, u32(1000) + (string("x") + b"\0") * 1000),
    ("fewer than announced", ENDS, u32(3) + string("x") + b"\0"),
    ("with a tail", ENDS, u32(0) + b"tail"),
    ("none", LIVES, u32(0)),
]


@pytest.mark.parametrize("verdict, prompts", [p[1:] for p in PROMPTS], ids=[p[0] for p in PROMPTS])
def test_prompts(play, work, verdict, prompts):
    """Keyboard-interactive questions that lie about their number."""
    def script(wire):
        secured(wire)
        wire.service()
        while wire.read_login()[0] != b"keyboard-interactive":
            wire.send(USERAUTH_FAILURE, string("keyboard-interactive"), b"\0")
        wire.send(USERAUTH_60, string("name"), string("instruction"), string(""), prompts)
        wire.expect(61)
        wire.send(USERAUTH_SUCCESS)
        wire.serve()

    program, _ = askpass(work / "askpass")
    play(script, ends=verdict, key=None, how={"env": {"SSH_ASKPASS": program, "SSH_ASKPASS_REQUIRE": "force"}})


def test_prompt_with_escapes(play, work):
    """What the server calls the question is harmless when a person sees it."""
    def script(wire):
        secured(wire)
        wire.service()
        while wire.read_login()[0] != b"keyboard-interactive":
            wire.send(USERAUTH_FAILURE, string("keyboard-interactive"), b"\0")
        wire.send(USERAUTH_60, string("\x1b[1mname"), string("in\x07struction"), string(""), u32(1),
                  string("\x1b[2JPassword: "), b"\0")
        wire.expect(61)
        wire.send(USERAUTH_SUCCESS)
        wire.serve()

    program, asked = askpass(work / "askpass", "answer")
    play(script, ends=LIVES, key=None, how={"env": {"SSH_ASKPASS": program, "SSH_ASKPASS_REQUIRE": "force"}})
    question = asked.read_text(encoding="utf-8")
    assert "Password: " in question and "\x1b" not in question


# ---- channels

def opened(*messages, confirm=True, serve=True, window=1 << 21, packet=32768):
    """The client has opened a channel; then these messages: (number, part, ...), CH stands for the channel's number."""
    def script(wire):
        wire.welcome()
        channel, _, _ = wire.channel(window, packet, confirm)
        for number, *parts in messages:
            wire.send(number, *[u32(channel) if part is CH else part for part in parts])
        if serve:
            wire.serve()
    return script


CH = "the channel's number"
NOBODY = u32(4711)

case("open: confirmed with largest packet 0")(opened(packet=0))
case("open: confirmed twice")(opened((OPEN_CONFIRMATION, CH, CH, u32(1000, 1000))))
case("open: confirmed, then refused")(opened((OPEN_FAILURE, CH, u32(1), string("no"), string(""))))
case("open: confirmation of nothing")(opened((OPEN_CONFIRMATION, NOBODY, CH, u32(1000, 1000))))
case("open: failure of nothing")(opened((OPEN_FAILURE, NOBODY, u32(1), string("no"), string(""))))
case("open: confirmation truncated")(opened((OPEN_CONFIRMATION, CH, CH), confirm=False))
case("open: failure truncated")(opened((OPEN_FAILURE, CH, u32(1, 50), b"x"), confirm=False))
case("open: CLOSE instead of an answer")(opened((CLOSE, CH), confirm=False))
case("open: DATA instead of an answer")(opened((DATA, CH, string("x")), confirm=False))
case("open: EOF instead of an answer")(opened((EOF, CH), confirm=False))
case("open: refused with escapes", LIVES)(
    opened((OPEN_FAILURE, CH, u32(2), string("\x1b[31mred\x07\n" * 1000), string("")), confirm=False))
case("open: refused for a reason out of range", LIVES)(
    opened((OPEN_FAILURE, CH, u32(0xffffffff), string("odd"), string("")), confirm=False))
case("open: confirmed with window 0 and largest packet 2^32-1", LIVES)(opened(window=0, packet=0xffffffff))
case("open: confirmed with the largest window", LIVES)(opened(window=0xffffffff))

case("data: for nobody")(opened((DATA, NOBODY, string("x"))))
case("data: for channel 2^32-1")(opened((DATA, u32(0xffffffff), string("x"))))
case("data: larger than our largest packet")(opened((DATA, CH, string(bytes(200_000)))))
case("data: after EOF")(opened((EOF, CH), (DATA, CH, string("x"))))
case("data: extended, after EOF")(opened((EOF, CH), (EXTENDED_DATA, CH, u32(1), string("x"))))
case("data: after CLOSE")(opened((CLOSE, CH), (DATA, CH, string("x"))))
case("data: EOF after CLOSE")(opened((CLOSE, CH), (EOF, CH)))
case("data: CLOSE twice")(opened((CLOSE, CH), (CLOSE, CH)))
case("data: EOF for nobody")(opened((EOF, NOBODY)))
case("data: CLOSE for nobody")(opened((CLOSE, NOBODY)))
case("data: EOF twice", LIVES)(opened((EOF, CH), (EOF, CH)))
case("data: a thousand empty ones", LIVES)(opened(*[(DATA, CH, string(""))] * 1000))
case("data: extended of type 1", LIVES)(opened((EXTENDED_DATA, CH, u32(1), string("an error message"))))
case("data: extended of type 2^32-1", LIVES)(opened((EXTENDED_DATA, CH, u32(0xffffffff), string("?"))))

case("window: adjusted beyond 2^32-1")(opened((WINDOW_ADJUST, CH, u32(0xffffffff))))
case("window: adjusted for nobody")(opened((WINDOW_ADJUST, NOBODY, u32(1))))
case("window: adjusted by 0", LIVES)(opened((WINDOW_ADJUST, CH, u32(0))))
case("window: adjusted by 1, ten thousand times", LIVES)(opened(*[(WINDOW_ADJUST, CH, u32(1))] * 10_000))

case("request: replies that nobody asked for", LIVES)(
    opened(*[(REQUEST_SUCCESS,), (REQUEST_FAILURE,), (CHANNEL_SUCCESS, CH), (CHANNEL_FAILURE, CH)] * 1000))
case("request: for nobody")(opened((CHANNEL_REQUEST, NOBODY, string("x"), b"\1")))
case("request: truncated")(opened((CHANNEL_REQUEST, CH, u32(77), b"x")))
case("request: GLOBAL truncated")(opened((GLOBAL_REQUEST, u32(77), b"x")))


@case("data: beyond the window by one byte")
def _(wire):
    wire.welcome()
    channel, window, packet = wire.channel()
    packet = min(packet, 32768)
    while window >= packet:  # the client's user reads nothing, yet the client may give the window back
        wire.send(DATA, u32(channel), string(bytes(packet)))
        window -= packet
    for _ in range(4096):
        wire.send(DATA, u32(channel), string(bytes(packet)))


def replied(name, *parts, reply=CHANNEL_FAILURE):
    """A channel request that wants a reply gets it."""
    def script(wire):
        wire.welcome()
        channel, _, _ = wire.channel()
        wire.send(CHANNEL_REQUEST, u32(channel), string(name), b"\1", *parts)
        wire.expect(reply)
        wire.serve()
    return script


for name in ("keepalive@openssh.com", "winadj@putty.projects.tartarus.org", "what@ever", "", "x" * 30_000, "shell",
             "exit-signal\0x"):
    case(f"request: {name[:30]!r} is refused", LIVES)(replied(name))


@case("request: winadj after EOF is still answered", LIVES)
def _(wire):
    wire.welcome()
    channel, _, _ = wire.channel()
    wire.send(EOF, u32(channel))
    wire.send(CHANNEL_REQUEST, u32(channel), string("winadj@putty.projects.tartarus.org"), b"\1")
    wire.expect(CHANNEL_FAILURE)
    wire.serve()


@case("request: a hundred thousand global ones, each answered", LIVES)
def _(wire):
    wire.welcome()
    total = 100_000

    def ask():
        for _ in range(total // 500):
            wire.raw(b"".join(wire.frame(bytes([GLOBAL_REQUEST]) + string("what@ever") + b"\1") for _ in range(500)))

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    for _ in range(total):
        while wire.packet()[0] != REQUEST_FAILURE:
            pass
    asking.join()
    wire.serve()


@case("request: hostkeys-00 with rubbish and no wish for a reply", LIVES)
def _(wire):
    wire.welcome()
    wire.send(GLOBAL_REQUEST, string("hostkeys-00@openssh.com"), b"\0", string(wire.host_blob()), string(b"rubbish"))
    wire.serve()


def refused(kind, *parts):
    """The server opens a channel that it may not open: refused, and nothing is left of it."""
    def script(wire):
        wire.welcome()
        for number in range(100):
            wire.send(OPEN, string(kind), u32(number, 1 << 20, 32768), *parts)
        for number in range(100):
            assert Reader(wire.expect(OPEN_FAILURE)).u32() == number
        wire.serve()
    return script


ADDRESS = string("127.0.0.1") + u32(4711) + string("127.0.0.1") + u32(4712)
for kind, parts in {"session": b"", "x11": string("127.0.0.1") + u32(1), "auth-agent@openssh.com": b"", "": b"",
                    "tun@openssh.com": u32(1, 1), "direct-tcpip": ADDRESS, "forwarded-tcpip": ADDRESS,
                    "direct-tcpip\0x": ADDRESS, "x" * 30_000: b"",
                    "forwarded-streamlocal@openssh.com": string("/tmp/x") + string("")}.items():
    case(f"open: {kind[:40]!r} by the server is refused", LIVES)(refused(kind, parts))


def listening(*reply, number=REQUEST_SUCCESS):
    """The client asks for a listener on port 0 and gets this reply."""
    def script(wire):
        wire.welcome()
        while b"tcpip-forward" not in wire.packet():
            pass
        wire.send(number, *reply)
        wire.drain()
    return script


ASK = ("-R", "0:127.0.0.1:9", "-o", "ExitOnForwardFailure=yes")
for size in (0, 2, 3):
    case(f"forward: port reply of {size} bytes", ENDS, None, ASK)(listening(bytes(size)))
case("forward: port 0 allocated", ENDS, None, ASK)(listening(u32(0)))
case("forward: port 65536 allocated", ENDS, None, ASK)(listening(u32(65536)))
case("forward: refused", ENDS, "remote port forwarding failed for listen port 0", ASK)(listening(
    number=REQUEST_FAILURE))


def calling(port, verdict, *more):
    """The client has a remote forward on port 5000; somebody calls at `port`."""
    def script(wire):
        wire.welcome()
        while b"tcpip-forward" not in wire.packet():
            pass
        wire.send(REQUEST_SUCCESS)
        wire.send(OPEN, string("forwarded-tcpip"), u32(77, 1 << 20, 32768), string("localhost"), u32(port),
                  string("10.0.0.1\x1b[31m"), u32(99999), *more)
        if not more:
            assert Reader(wire.expect(verdict)).u32() == 77
        wire.serve()
    return script


FIVE = ("-R", "5000:127.0.0.1:9")
case("forward: call at a port nobody asked for", LIVES, None, FIVE)(calling(5001, OPEN_FAILURE))
case("forward: call at a port that only looks alike", LIVES, None, FIVE)(calling(5000 + 65536, OPEN_FAILURE))
case("forward: call whose target refuses", LIVES, None, FIVE)(calling(5000, OPEN_FAILURE))
case("forward: call with a tail", ENDS, None, FIVE)(calling(5000, OPEN_FAILURE, b"tail"))


@case("forward: call truncated", ENDS, None, FIVE)
def _(wire):
    wire.welcome()
    wire.send(OPEN, string("forwarded-tcpip"), u32(77, 1000, 1000), string("localhost"))
    wire.drain()


@case("forward: call before the reply", LIVES, None, FIVE)
def _(wire):
    wire.welcome()
    wire.send(OPEN, string("forwarded-tcpip"), u32(77, 1 << 20, 32768), string("localhost"), u32(5000), string("x"),
              u32(1))
    while (payload := wire.packet())[0] not in (OPEN_FAILURE, OPEN_CONFIRMATION):
        if b"tcpip-forward" in payload:
            wire.send(REQUEST_SUCCESS)
    assert payload[0] == OPEN_FAILURE
    wire.serve()


# ---- after a fault nothing more is done

@case("end: what follows a fault is not looked at")
def _(wire):
    wire.welcome()
    channel, _, _ = wire.channel()
    fault = wire.frame(bytes([DATA]) + u32(4711) + string("x"))
    wire.raw(fault + wire.frame(bytes([IGNORE]) + string("")) + wire.frame(bytes([KEXINIT]) + bytes(17)) +
             wire.frame(bytes([CLOSE]) + u32(channel)))
    wire.drain()


def test_we_say_goodbye(play):
    """A protocol error is answered with DISCONNECT, reason 2, in constant words."""
    def script(wire):
        opened((DATA, NOBODY, string("x")), serve=False)(wire)
        wire.drain()  # what a server sends after that meets a closed socket, and the reset could overtake the words

    _, evil = play(script)
    assert evil.finished.wait(10)
    assert evil.wires[0].farewell and evil.wires[0].farewell[0] == 2


# ---- how a local connection ends when its channel does

def ending(*messages, confirm=True):
    """A server on whose channel this happens; CH stands for the channel's number."""
    return opened(*messages, confirm=confirm)


ENDINGS = [
    ("EOF and CLOSE", ending((DATA, CH, string("bye")), (EOF, CH), (CLOSE, CH)), b"bye", False),
    ("CLOSE without EOF", ending((DATA, CH, string("bye")), (CLOSE, CH)), b"bye", True),
    ("refused", ending((OPEN_FAILURE, CH, u32(2), string("Connection refused"), string("")), confirm=False), b"", True),
    ("connection lost", lambda wire: (opened((DATA, CH, string("bye")), serve=False)(wire), wire.sock.shutdown(1)),
     b"bye", True),
]


@pytest.mark.parametrize("script, words, broken", [e[1:] for e in ENDINGS], ids=[e[0] for e in ENDINGS])
def test_ending(client, cleanup, port, script, words, broken):
    """A stream that ended ends cleanly; one that broke is reset; what came before arrives in both cases."""
    evil = Hostile(script)
    cleanup.callback(evil.close)
    one = client(evil, "-L", f"127.0.0.1:{port}:target:7").stands(port)
    assert call(("127.0.0.1", port)) == (words, "reset" if broken else "end"), str(one)
    assert not evil.trouble
