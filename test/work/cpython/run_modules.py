"""Runs modules of CPython's own tests and prints what became of every single test: one JSON object per module and line.

    python3 run_modules.py '{"jobs": 2, "seconds": 300, "modules": [{"name": "test_json", "only": [], "without": []}]}'

Each module is run by regrtest, as `python3 -m test` would, in a forked process of its own: one that hangs or crashes costs only itself,
and says in which test it was. `only`, `without`: patterns of regrtest's --match and --ignore. `seconds`: the most a module may take.

    {"module": "test_json", "end": "exited 0", "seconds": 1.2, "outcomes": {"test.test_json...": ["passed", ""]}, "said": "last lines"}
"""

import json
import os
import shutil
import signal
import sys
import tempfile
import time

# Imported before any fork: under emulation this takes seconds.
from test.libregrtest import main as run_regrtest
from test.support import testresult

WORST_LAST = ["passed", "skipped", "running", "failed"]


def record_into(file):
    """A result class for regrtest that notes each test's outcome, on disk at once."""

    def note(test, outcome, detail=""):
        # One line each; the detail is for people.
        lines = str(detail).strip().splitlines() or [""]
        file.write(json.dumps([test.id(), outcome, lines[-1][:300]]) + "\n")
        file.flush()

    class Recorder(testresult.RegressionTestResult):
        def startTest(self, test):
            note(test, "running")
            super().startTest(test)

        def addSuccess(self, test):
            note(test, "passed")
            super().addSuccess(test)

        def addExpectedFailure(self, test, err):
            note(test, "passed")
            super().addExpectedFailure(test, err)

        def addSkip(self, test, reason):
            note(test, "skipped", reason)
            super().addSkip(test, reason)

        def addFailure(self, test, err):
            note(test, "failed", f"{err[0].__name__}: {err[1]}".splitlines()[0])
            super().addFailure(test, err)

        def addError(self, test, err):
            note(test, "failed", f"{err[0].__name__}: {err[1]}".splitlines()[0])
            super().addError(test, err)

        def addSubTest(self, test, subtest, err):
            if err is not None:
                note(test, "failed", f"{err[0].__name__}: {err[1]}".splitlines()[0])
            super().addSubTest(test, subtest, err)

        def addUnexpectedSuccess(self, test):
            note(test, "failed", "succeeded, and was expected to fail")
            super().addUnexpectedSuccess(test)

    return Recorder


def become_regrtest(module, folder):
    """In the child; does not return."""
    os.setsid()  # so that what a test leaves behind can be ended with it
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    log = os.open(os.path.join(folder, "log"), os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    testresult.RegressionTestResult = record_into(open(os.path.join(folder, "events"), "w"))
    options = [f"--match={p}" for p in module.get("only", [])] + [f"--ignore={p}" for p in module.get("without", [])]
    sys.argv = ["regrtest", f"--tempdir={folder}", *options, module["name"]]
    run_regrtest()


def start(module, folder):
    os.mkdir(folder)
    pid = os.fork()
    if pid:
        return pid
    try:
        become_regrtest(module, folder)
    except SystemExit as end:
        sys.stdout.flush()
        os._exit(end.code if isinstance(end.code, int) else 1)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(70)
    os._exit(71)  # regrtest always exits by itself


def outcomes_in(folder):
    """The worst that was said of each test; one that was only begun is where the process ended: `hung`."""
    worst, over = {}, set()
    try:
        lines = open(os.path.join(folder, "events")).read().splitlines()
    except FileNotFoundError:
        return {}
    for line in lines:
        try:
            name, outcome, detail = json.loads(line)
        except ValueError:
            continue  # cut off in mid-line
        if outcome != "running":
            over.add(name)
        known = worst.get(name, ("passed", ""))
        if name not in worst or WORST_LAST.index(outcome) >= WORST_LAST.index(known[0]) or known[0] == "running":
            worst[name] = (outcome, detail)
    return {
        name: ("hung", "") if outcome == "running" and name not in over else (outcome, detail)
        for name, (outcome, detail) in worst.items()
    }


def last_words(folder, count=4000):
    try:
        with open(os.path.join(folder, "log"), "rb") as log:
            log.seek(max(0, os.path.getsize(log.name) - count))
            return log.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def end_group(pid):
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def main():
    request = json.loads(sys.argv[1])
    waiting, running = list(request["modules"]), {}
    base = tempfile.mkdtemp(prefix="modules-")

    def end_overdue(*_):
        for pid, (_, _, begun) in running.items():
            if time.monotonic() - begun >= request["seconds"]:
                end_group(pid)

    signal.signal(signal.SIGALRM, end_overdue)
    signal.setitimer(signal.ITIMER_REAL, 1, 1)
    try:
        while waiting or running:
            while waiting and len(running) < request["jobs"]:
                module = waiting.pop(0)
                folder = os.path.join(base, module["name"])
                running[start(module, folder)] = (module["name"], folder, time.monotonic())
            pid, status = os.waitpid(-1, 0)
            if pid not in running:
                continue
            name, folder, begun = running.pop(pid)
            end_group(pid)
            code = os.waitstatus_to_exitcode(status)
            report = {
                "module": name,
                "end": f"exited {code}" if code >= 0 else f"killed by signal {-code}",
                "seconds": round(time.monotonic() - begun, 1),
                "outcomes": outcomes_in(folder),
                "said": "" if code == 0 else last_words(folder),
            }
            print(json.dumps(report), flush=True)
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for pid in running:
            end_group(pid)
        shutil.rmtree(base, ignore_errors=True)


if __name__ == "__main__":
    main()
