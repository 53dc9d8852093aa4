# As many files as there is room and time for, a million at most. mknod: one system call a file.
import os, time

made, start = 0, time.monotonic()
# Emulated it would take too long: as many as there is time for.
enough, seconds = (1_000_000, 0) if os.path.exists("/proc/sentry-meminfo") else (10_000, 15)
os.makedirs("/var/tmp/many")
try:
    while made < enough or made < 1_000_000 and time.monotonic() < start + seconds:
        os.mkdir(f"/var/tmp/many/{made}")
        os.chdir(f"/var/tmp/many/{made}")
        for n in range(1000): os.mknod(str(n))
        made += 1000
        print(f"files={made}", flush=True)
    print("end", flush=True)
except OSError as error: print(f"errno={error.errno}", flush=True)
