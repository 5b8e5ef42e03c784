"""What the structure test holds the tree to, apart from the table of modules itself (daemon/modules)."""

import re

TOP_LEVEL = {
    "CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md", "daemon", "config", "include", "tests", "deploy"
}
NOT_OURS = {"build"}  # made by building, never committed

LINES_WARN, LINES_MAX = 300, 350
COLUMNS_MAX = 120

# Commits up to this one keep their messages: history is not rewritten.
COMMITS_AFTER = "6aa02ddb8174f2ef90c61a984ab39e14fcbc9f6e"
COMMIT_SUBJECT_MAX = 72

# Arrows that must never appear, not even by adding an edge to the table: (from, to).
NEVER = [
    ("engine", "loop"),
    ("handlers", "broker"),
    ("sources", "broker"),
    ("wire", "engine"),
    ("http", "beanstalk"),
    ("beanstalk", "workload"),
    ("tools", "service"),
    ("service", "tools"),
    ("telemetry", "settings"),
    ("settings", "telemetry"),
]

# Which module may include which third party: (pattern of the header, places). A place is a module, or module/unit for
# the files of one unit (handlers/prime: prime.hpp, prime.cpp, prime_trial.cpp, ...). The first pattern that fits
# decides; a third party that no pattern names is refused, so that it must be placed here first.
ANY_BUT_PURE = {"loop", "store", "offload", "network", "broker", "handlers", "sources", "workload", "beanstalk",
                "telemetry", "settings", "http", "control", "tools", "service"}
THIRD_PARTIES = [
    (r"boost/asio/ssl.*", {"network"}),
    (r"boost/asio.*", ANY_BUT_PURE),
    (r"boost/beast.*", {"http", "network"}),
    (r"boost/lockfree/.*", {"loop", "offload", "store"}),
    (r"boost/(system|intrusive|unordered|container|json|url|core|assert)[/.].*", {"*"}),
    (r"sqlite3\.h|libpq-fe\.h", {"store"}),
    (r"xxhash\.h", {"base/digest", "store/checksum"}),
    (r"yaml-cpp/.*", {"settings"}),
    (r"prometheus/.*", {"telemetry"}),
    (r"zlib\.h", {"telemetry/gzip"}),
    (r"openssl/(evp|sha)\.h", {"handlers/hash"}),
    (r"openssl/.*", {"network"}),
    (r"flint/.*|gmp\.h", {"handlers/prime"}),
    (r"systemd/.*", {"service"}),
    (r"CLI/.*", {"base/command_line", "service", "tools"}),
    (r"(spdlog|fmt)/.*", {"base/log", "service/log_sinks"}),
]

# Headers of the operating system; those of C++ have no dot in their name.
SYSTEM_HEADER = re.compile(
    r"(sys|linux|arpa|netinet|net)/\w+\.h|(unistd|dirent|fcntl|poll|pthread|sched|signal|termios|time|errno|"
    r"pwd|grp|dlfcn|spawn|netdb|malloc|execinfo|cxxabi|semaphore|unwind|elf|link)\.h")

# Where a clock may be read, and why; everybody else is handed `now`. Keys: module/unit, as above.
CLOCK_READERS = {
    "loop/event_loop": "the loop's own now, once a turn",
    "loop/stall_watch": "its thread measures a turn that does not end, when the loop cannot",
    "base/log": "a line bears the time at which it was written, on whichever thread",
    "offload/thread_pool": "worker threads measure how long their steps took",
    "service/reload": "the metric says at which wall time settings were applied",
    "tools/program_run": "measures another program, and has no loop",
    "store/wall_clock": "the writer's thread: what stands on disk is wall time, and how long a commit took",
    "handlers/spin": "looks at its own thread's CPU time: burning a given amount of it is what it is for",
}
CLOCK_READ = re.compile(r"clock(?:_type)?\s*::\s*now\b|\bclock_gettime\b|\bgettimeofday\b|\btimespec_get\b|"
                        r"\bstd::time\s*\(|\bstd::clock\s*\(|(?<![\w:.>])time\s*\(\s*(?:nullptr|NULL|0)\s*\)")

# A function without a result is a callback and is named on_…, unless it is work that is handed over to be run.
CALLBACK = re.compile(r"std::function<void\([^;{}=]*?\)>\s*&{0,2}\s*(\w+)\s*[;,){=]")
WORK = {"body", "deliver", "work"}

# Written apart so that this file does not find itself.
UNDONE = re.compile(r"\b(?:" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3]) + r")\b|\bunimple" + r"mented\b")
MACHINE_PATH = re.compile("/" + "work/|/" + "farm/|deb\\." + "debian|registry\\." + "npmjs")
