"""millraced with empty computations in two child processes (`run_on: processes`), `depth` jobs at a time: prints how
many jobs a second it works on, starts included.

    processes_drain.py COUNT DEPTH       MILLRACED names the program
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
MILLRACED = os.environ.get("MILLRACED", str(HERE.parents[2] / "build/release/millraced"))
count, depth = map(int, sys.argv[1:])

with tempfile.TemporaryDirectory() as folder:
    settings = pathlib.Path(folder, "drain.yaml")
    settings.write_text(f"""
daemon: {{ http: off, offload: {{ processes: 2 }} }}
queues: {{ jobs: {{ max_jobs: 1000 }} }}
producers: {{ all: {{ kind: range, queue: jobs, from: 1, to: {count} }} }}
consumers:
  drain: {{ queue: jobs, handler: spin, length: 0s, run_on: processes, concurrency: {depth} }}
""")
    began = time.monotonic()
    subprocess.run([MILLRACED, "--config", settings, "--until-idle"], check=True, capture_output=True)
    print(count / (time.monotonic() - began))
