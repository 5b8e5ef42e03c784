import json
import sys

for line in sys.stdin:
    job = json.loads(line)
    try:
        words = len(job["body"].split())
        answer = {"id": job["id"], "ok": True, "result": f"{job['body']}: {words}"}
    except Exception as problem:
        answer = {"id": job["id"], "error": str(problem)}
    print(json.dumps(answer), flush=True)
