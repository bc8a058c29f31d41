"""Runs a program on a terminal, answers its prompts, and says what the terminal went through.

terminal.py TYPED... -- PROGRAM ARG...

Each TYPED is sent when the output has ended in ": " once more; `^C` is the interrupt key, all else a line. Printed are
lines: `echo off` or `echo on` for each prompt, `shown` with all that the terminal showed, `exit N` and `echo on` or
`echo off` as the program left the terminal.
"""

import os
import pty
import select
import sys
import termios
import time

DEADLINE_SECONDS = 30


def echoes(terminal):
    return "echo on" if termios.tcgetattr(terminal)[3] & termios.ECHO else "echo off"


def main():
    at = sys.argv.index("--")
    typed, program = sys.argv[1:at], sys.argv[at + 1 :]
    master, slave = pty.openpty()
    child = os.fork()
    if child == 0:
        os.setsid()
        os.close(master)
        import fcntl

        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for target in (0, 1, 2):
            os.dup2(slave, target)
        os.execv(program[0], program)
    shown, answered, end = b"", 0, time.time() + DEADLINE_SECONDS
    status = None
    while status is None and time.time() < end:
        if select.select([master], [], [], 0.05)[0]:
            shown += os.read(master, 4096)
        if typed and shown[answered:].endswith(b": "):
            print(echoes(slave))
            line = typed.pop(0)
            os.write(master, b"\x03" if line == "^C" else line.encode() + b"\n")
            answered = len(shown)
        pid, ended = os.waitpid(child, os.WNOHANG)
        if pid:
            status = ended
    if status is None:
        os.kill(child, 9)
        os.waitpid(child, 0)
        sys.exit("the program did not end")
    while select.select([master], [], [], 0.2)[0]:
        shown += os.read(master, 4096)
    code = os.waitstatus_to_exitcode(status)
    print("shown " + repr(shown.decode()))
    print(f"exit {code}")
    print(echoes(slave))


main()
