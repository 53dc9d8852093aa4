# Writes what does not compress until there is no room, in two places.
import os

for place in "/var/tmp/filler", "/root/filler":
    written, noise = 0, os.urandom(1 << 20)
    try:
        fd = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        while True: written += os.write(fd, noise)
    except OSError as error:
        print(f"{place} written={written} {error.__class__.__name__} errno={error.errno}", flush=True)
