"""millraced with a worker in Node that does nothing: prints how many jobs a second it works on, starts included.

    worker_drain.py COUNT IN_FLIGHT [WORKERS]       MILLRACED names the program
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
MILLRACED = os.environ.get("MILLRACED", str(HERE.parents[2] / "build/release/millraced"))
count, in_flight, workers = (*map(int, sys.argv[1:]), 1)[:3]

with tempfile.TemporaryDirectory() as folder:
    settings = pathlib.Path(folder, "drain.yaml")
    settings.write_text(f"""
daemon: {{ http: off }}
queues: {{ jobs: {{ max_jobs: 1000 }} }}
producers: {{ all: {{ kind: range, queue: jobs, from: 1, to: {count} }} }}
consumers:
  drain: {{ queue: jobs, handler: worker, command: [node, "{HERE / 'noop_worker.mjs'}"], workers: {workers},
           in_flight: {in_flight}, concurrency: {in_flight * workers} }}
""")
    began = time.monotonic()
    subprocess.run([MILLRACED, "--config", settings, "--until-idle"], check=True, capture_output=True)
    print(count / (time.monotonic() - began))
