# Writes to whatever may end up in a log of the host, as fast as it goes; says how much each took.
import os, threading, time

line = b"a line for the log of the kernel and of the console, again and again\n"
end = time.monotonic() + 60
# Of a serial line each byte is an exit of the virtual machine.
serial = 20_000
much = 2 << 20
console = much if os.path.exists("/proc/sentry-meminfo") else serial

def flood(place, block, wanted):
    written = 0
    try:
        fd = os.open(place, os.O_WRONLY | os.O_NOCTTY)
        while written < wanted: written += os.write(fd, block)
        told = ""
    except OSError as error: told = f" errno={error.errno}"
    print(f"{place} written={written}{told}\n", end="", flush=True)

places = [("/dev/console", line * 50, serial), ("/dev/kmsg", b"<0>" + line, 1 << 20), ("/proc/1/fd/1", line * 50, console),
          ("/proc/1/fd/2", line * 50, console), ("/proc/self/fd/2", line * 50, much), ("/dev/ttyS0", line * 50, serial)]
threads = [threading.Thread(target=flood, args=place, daemon=True) for place in places]
for thread in threads: thread.start()
# One that blocks for good must not keep the others from being told.
for thread in threads: thread.join(max(0, end - time.monotonic()))
os._exit(0)
