"""Checks of the commit messages since rules.COMMITS_AFTER: a subject of limited length, and a body."""

import subprocess

from rules import COMMIT_SUBJECT_MAX


def commits(top, after):
    """(short hash, subject, body) of each commit after `after`, newest first. None where git does not know that one."""
    try:
        run = subprocess.run(["git", "log", "--no-merges", "--format=%h%x00%s%x00%b%x01", f"{after}..HEAD"], cwd=top,
                             capture_output=True, text=True)
    except FileNotFoundError:
        return None
    if run.returncode:
        return None
    return [tuple(entry.lstrip("\n").split("\0")) for entry in run.stdout.split("\x01") if entry.strip()]


def complaints_of(found):
    complaints = []
    for short_hash, subject, body in found:
        if len(subject) > COMMIT_SUBJECT_MAX:
            complaints.append(f"{short_hash} {subject}: {len(subject)} characters, more than {COMMIT_SUBJECT_MAX}")
        if not body.strip():
            complaints.append(f"{short_hash} {subject}: no body that says why")
    return complaints
