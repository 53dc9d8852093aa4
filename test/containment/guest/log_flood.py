# Writes to whatever may end up in a log of the host, as fast as it goes, for a few seconds; says how much each took.
import os, threading, time

line = b"a line for the log of the kernel and of the console, again and again\n"
end = time.monotonic() + 4

def flood(place, block):
    written = 0
    try:
        fd = os.open(place, os.O_WRONLY | os.O_NOCTTY)
        while time.monotonic() < end: written += os.write(fd, block)
        told = ""
    except OSError as error: told = f" errno={error.errno}"
    print(f"{place} written={written}{told}\n", end="", flush=True)

places = {"/dev/console": line * 50, "/dev/kmsg": b"<0>" + line, "/proc/1/fd/1": line * 50, "/proc/1/fd/2": line * 50,
          "/proc/self/fd/2": line * 50, "/dev/ttyS0": line * 50}
for thread in [threading.Thread(target=flood, args=it, daemon=True) for it in places.items()]: thread.start()
# One that blocks for good must not keep the others from being told.
while time.monotonic() < end + 0.5: time.sleep(0.1)
os._exit(0)
