# Writes garbage into the live channel through the agent's own descriptor: a second open of a virtio port would be refused (EBUSY) and prove
# nothing. What it did it leaves in a file: the channel is not there to tell it.
import ctypes, os, select

libc = ctypes.CDLL(None, use_errno=True)
PIDFD_OPEN, PIDFD_GETFD = 434, 438
mark = open("/var/tmp/mark", "w")
noise = os.urandom(1 << 16)
agent = libc.syscall(PIDFD_OPEN, 1, 0)
for number in sorted(int(name) for name in os.listdir("/proc/1/fd")):
    try: what = os.readlink(f"/proc/1/fd/{number}")
    except OSError: continue # closed since
    # A virtio port in a virtual machine; in gVisor the host's socket that the agent was given as its stdin.
    if "vport" not in what and not (number == 0 and what.startswith("host:")): continue
    fd = libc.syscall(PIDFD_GETFD, agent, number, 0)
    if fd < 0:
        print(f"pidfd_getfd errno={ctypes.get_errno()}", file=mark)
        break
    written = 0
    while written < 2 << 20:
        # Its being non-blocking is the agent's, too, and stays.
        select.select([], [fd], [], 1)
        try: written += os.write(fd, noise)
        except BlockingIOError: continue
        except OSError as error: print(f"errno={error.errno}", file=mark); break
        print(f"{what} written={written}", file=mark, flush=True)
    break
else: print("no channel found", file=mark)
print("end", file=mark, flush=True)
