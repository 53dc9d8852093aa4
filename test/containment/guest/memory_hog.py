# Takes memory, and touches it, until somebody stops it.
kept = []
try:
    while True:
        kept.append(b"x" * (16 << 20))
        print(f"held={16 * len(kept)}", flush=True)
except MemoryError:
    print("MemoryError", flush=True)
