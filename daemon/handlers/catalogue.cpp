#include "handlers/catalogue.hpp"

#include "handlers/activity.hpp"
#include "handlers/block.hpp"
#include "handlers/exec.hpp"
#include "handlers/fail.hpp"
#include "handlers/file.hpp"
#include "handlers/hash.hpp"
#include "handlers/http.hpp"
#include "handlers/noop.hpp"
#include "handlers/prime.hpp"
#include "handlers/print.hpp"
#include "handlers/sleep.hpp"
#include "handlers/spin.hpp"
#include "handlers/worker.hpp"

namespace millrace::handlers {

void add_all(registry& kinds) {
  kinds.add(kind_of<activity>("activity", "tells which jobs run, and how many each consumer has done, as JSON",
                              activity_option_table()));
  kinds.add(kind_of<block>("block", "holds the loop or its thread, to see what the watch for stalls reports",
                           block_option_table()));
  kinds.add(kind_of<exec>("exec", "runs a command, with the body as its standard input", exec_option_table()));
  kinds.add(kind_of<fail>("fail", "fails every nth attempt and returns the other jobs unchanged", fail_option_table()));
  kinds.add(kind_of<file>("file", "appends the body and a newline to a file", file_option_table()));
  kinds.add(kind_of<hash>("hash", "sha256 of the body, in hexadecimal", hash_option_table()));
  kinds.add(http_kind());
  kinds.add(kind_of<noop>("noop", "does nothing, to measure everything else", noop_option_table()));
  kinds.add(kind_of<prime>("prime", "tests whether the number in the body is prime", prime_option_table()));
  kinds.add(kind_of<print>("print", "writes the body and a newline to standard output", print_option_table()));
  kinds.add(kind_of<sleep>("sleep", "waits as long as the body says", sleep_option_table()));
  kinds.add(kind_of<spin>("spin", "uses CPU time as long as the body says", spin_option_table()));
  kinds.add(kind_of<worker>("worker", "gives jobs to long-lived processes in any language", worker_option_table()));
}

}  // namespace millrace::handlers
