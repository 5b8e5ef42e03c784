"""How figures and the machine they were measured on are written."""
import datetime
import os
import platform


def machine() -> str:
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    memory = int(next(line.split()[1] for line in open("/proc/meminfo") if line.startswith("MemTotal"))) / 2**20
    release = platform.freedesktop_os_release()["PRETTY_NAME"]
    return f"{os.cpu_count()} cores of {model}, {memory:.0f} GiB, {release}"


def figure(value: float) -> str:
    for unit, name in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= unit:
            return f"{value / unit:.3g}{name}"
    return f"{value:.3g}"


def heading(count: int, of: str = "pair") -> str:
    return f"{datetime.date.today()}, {machine()}; {f'one {of}' if count == 1 else f'medians of {count} {of}s'}\n"
