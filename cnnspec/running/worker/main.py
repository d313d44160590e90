"""The first file of the child process: `python -I main.py FOLDER`. See `cnnspec.running.process`."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading


def main() -> None:
    folder = sys.argv[1]
    # closing the terminal, or Ctrl-C, reaches both processes: the parent ends the child, or the child sees
    # that the parent has ended
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, args=(folder,), daemon=True).start()
    with open(os.path.join(folder, "job.json"), encoding="utf-8") as file:
        job = json.load(file)
    this_file = os.path.abspath(__file__)
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(this_file))))
    sys.path += [path for path in job["paths"] if path not in sys.path]
    libraries = [number for number, path in enumerate(sys.path) if path.endswith("-packages")]
    first = libraries[0] if libraries else len(sys.path)
    sys.path.insert(first, package)  # this cnnspec, before any other one
    if not sys.flags.isolated or sys.path[0] == os.path.dirname(this_file):
        sys.exit("this file is run in isolated mode")

    from importlib import import_module

    from cnnspec.running.process import NO_ROOM, NO_ROOM_HELP
    from cnnspec.running.worker import messages

    try:
        result = import_module(f"cnnspec.running.worker.{job['kind']}").work(job, folder)
        with open(os.path.join(folder, "result.json"), "w", encoding="utf-8") as file:
            json.dump(result, file)
    except messages.Fault as fault:
        messages.report("finding", **fault.finding)
    except messages.Missing as missing:
        messages.report("failed", missing=missing.args)
    except OSError as error:  # an error with the job's folder; other files have findings of their own
        full = messages.Fault(f"{NO_ROOM}: {error.strerror or error}", help=NO_ROOM_HELP)
        messages.report("finding", **full.finding | {"code": "E704", "about": folder})
    except Exception as error:
        messages.report("failed", **messages.broken(error, folder))
    else:
        messages.report("done")
    sys.stdout.flush()
    os._exit(0)


def _leave_with_parent(folder: str) -> None:
    """Ends the child when its standard input is closed, which happens when the parent ends. Then it removes
    the folder itself."""
    while sys.stdin.buffer.read(1 << 16):
        pass
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


if __name__ == "__main__":
    main()
