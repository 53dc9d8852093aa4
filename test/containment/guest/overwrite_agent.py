# Writes over the memory of the guest's first process.
import os

try: memory = os.open("/proc/1/mem", os.O_RDWR)
except OSError as error: print(f"/proc/1/mem errno={error.errno}", flush=True)
else:
    written, refused = 0, 0
    for line in open("/proc/1/maps").readlines():
        start, end = (int(x, 16) for x in line.split()[0].split("-"))
        # The code last: as soon as it is gone, so is the guest.
        if "x" in line.split()[1]: continue
        for at in range(start, end, 1 << 20):
            try: written += os.pwrite(memory, b"\xcc" * min(1 << 20, end - at), at)
            except (OSError, OverflowError): refused += 1
            if at == start: print(f"written={written} refused={refused}", flush=True)
