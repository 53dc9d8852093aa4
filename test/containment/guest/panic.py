# Asks the guest's kernel to crash.
for place, what in ("/proc/sys/kernel/sysrq", "1"), ("/proc/sysrq-trigger", "c"):
    try:
        with open(place, "w") as file: file.write(what)
        print(f"{place} taken", flush=True)
    except OSError as error: print(f"{place} errno={error.errno}", flush=True)
