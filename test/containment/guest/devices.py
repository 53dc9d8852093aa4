# What there is of the machine below: reads and writes it. /dev/evil is the number of the first virtio disk under another name.
import os

os.mknod("/dev/evil", 0o60666, os.makedev(254, 0))
for place in "/dev/mem /dev/kmem /proc/kcore /dev/port /dev/vda /dev/vdb /dev/sda /dev/kvm /dev/evil".split():
    for way, flags in ("read", os.O_RDONLY), ("write", os.O_WRONLY):
        moved = 0
        try:
            fd = os.open(place, flags)
            for _ in range(16):
                n = len(os.read(fd, 1 << 16)) if way == "read" else os.write(fd, bytes(1 << 16))
                if n == 0: break
                moved += n
            told = ""
        except OSError as error: told = f" errno={error.errno}"
        print(f"{place} {way} bytes={moved}{told}", flush=True)
