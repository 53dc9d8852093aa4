# Every signal to the guest's first process, then to all others.
import os, signal

for number in (9, 11, 6, 15, 19):
    try:
        os.kill(1, number)
        print(f"sent={number}", flush=True)
    except OSError as error: print(f"signal={number} errno={error.errno}", flush=True)
for who in filter(str.isdigit, os.listdir("/proc")):
    if int(who) not in (1, os.getpid()): 
        try: os.kill(int(who), 9)
        except OSError: pass
print("sent to all", flush=True)
