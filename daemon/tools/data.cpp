#include "tools/data.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <optional>
#include <string_view>
#include <utility>

#include "base/command_line.hpp"
#include "base/system_message.hpp"
#include "store/bulk_load.hpp"
#include "store/data_directory.hpp"
#include "store/directory_content.hpp"
#include "store/dump.hpp"
#include "store/fsck.hpp"
#include "tools/beanstalkd_binlog.hpp"

namespace millrace::tools {

namespace {

exit_code fail(exit_code code, const std::string& reason) {
  std::fprintf(stderr, "millrace: %s\n", reason.c_str());
  return code;
}

constexpr const char* about_fsck =
    "millrace fsck DATA_DIR: checks every record and prints a line for each fault, also in a directory that cannot be "
    "written. Exit codes: 0 no fault, 1 faults, 2 bad arguments, 3 the directory cannot be opened.";
constexpr const char* about_dump =
    "millrace dump DATA_DIR: prints jobs, groups, pauses, actions and the marks of ids as JSON Lines.";
constexpr const char* about_restore =
    "millrace restore [--partial] DATA_DIR < LINES: fills a directory without jobs with what 'millrace dump' "
    "has printed, or leaves it unchanged. --partial accepts a dump that is cut or changed, and one of a version that "
    "did not count and hash its lines. Exit codes: 0 all is restored, 1 a line has no meaning, the dump is not "
    "complete, the directory has jobs, or there is no space, 2 bad arguments, 3 the directory cannot be opened.";
constexpr const char* about_import =
    "millrace import --from beanstalkd-binlog LOG_DIR DATA_DIR: fills a directory without jobs with the jobs of a "
    "beanstalkd 1.12, or leaves it unchanged. Exit codes: 0 all is imported, 1 the log is damaged, DATA_DIR has jobs, "
    "or there is no space, 2 bad arguments, 3 one of the directories cannot be opened.";

/// The command line of one tool. Its positional words are paths.
class tool_words {
 public:
  tool_words(const char* about, std::string name) : app_{about, std::move(name)} {
    app_.set_help_flag("-h,--help", "show this and exit");
  }

  CLI::App& app() noexcept { return app_; }
  void add_path(const char* name, std::string& path, const char* meaning) {
    const auto is_path = [](const std::string& word) { return word.empty() ? std::string{"is empty"} : ""; };
    app_.add_option(name, path, meaning)->required()->check(is_path);
  }
  /// Prints the help or the refusal, if the tool ends with one.
  std::optional<exit_code> parse(const std::vector<std::string>& words) {
    const auto end = parse_command_line(app_, words, "the tool takes no such word");
    if (!end) return std::nullopt;
    const bool is_help = end->cause == command_line_end::reason::help;
    std::fputs(end->text.c_str(), is_help ? stdout : stderr);
    return is_help ? exit_code::done : exit_code::bad_arguments;
  }

 private:
  CLI::App app_;
};

/// Tells an error before anything was begun (a newer version, or a lock of another program) from a later one.
exit_code code_of(const error& failure) {
  const bool not_begun = failure.code == errc::unsupported || failure.code == errc::timed_out;
  return not_begun ? exit_code::cannot_open : exit_code::failed;
}

/// Removes what `open_new` created, because it could not be filled. What was there before stays.
exit_code undo(store::data_directory& into, exit_code code, const std::string& reason) {
  into.undo();
  return fail(code, reason);
}

enum class needs { reading, writing };

/// Opens a directory that exists. Reading must not create one.
result<store::data_directory> open_existing(const std::string& path, needs access) {
  const std::string file = path + "/millrace.db";
  if (::access(file.c_str(), R_OK) != 0) return error{errc::not_found, file + ": " + system_message(errno)};
  const bool writable = ::access(file.c_str(), W_OK) == 0 && ::access(path.c_str(), W_OK | X_OK) == 0;
  if (!writable && access == needs::writing) {
    return error{errc::io,
                 file + ": cannot be written (" + system_message(errno) + "): use a copy that can be written"};
  }
  if (const auto known = store::check_content(path, store::foreign_data::report); !known) return known.error();
  return writable ? store::data_directory::open(path) : store::data_directory::open_read_only(path);
}

/// Opens or creates a directory that is to be filled.
result<store::data_directory> open_new(const std::string& path) {
  if (const auto own = store::check_content(path, store::foreign_data::refuse); !own) return own.error();
  return store::data_directory::open(path);
}

result<> fill(const store::data_directory& into, binlog_content& content) {
  auto bulk_load = store::bulk_load::begin(into);
  if (!bulk_load) return bulk_load.error();
  for (auto& [job, queue] : content.jobs) {
    if (const auto added = bulk_load->add(std::move(job), queue); !added) return added;
  }
  if (const auto marked = bulk_load->mark_ids(content.highest_id); !marked) return marked;
  return bulk_load->finish();
}

}  // namespace

exit_code fsck(const std::vector<std::string>& words) {
  tool_words tool{about_fsck, "millrace fsck"};
  std::string path;
  tool.add_path("DATA_DIR", path, "the directory to check");
  if (const auto end = tool.parse(words)) return *end;
  const auto directory = open_existing(path, needs::reading);
  if (!directory) return fail(exit_code::cannot_open, directory.error().text);
  const auto found = store::fsck(
      *directory, [](std::string_view line) { std::printf("%.*s\n", static_cast<int>(line.size()), line.data()); });
  if (!found) return fail(exit_code::cannot_open, found.error().text);
  std::printf("%llu jobs in %llu queues: %llu faults\n", static_cast<unsigned long long>(found->jobs),
              static_cast<unsigned long long>(found->queues), static_cast<unsigned long long>(found->faults));
  if (std::fflush(stdout) != 0) return fail(exit_code::failed, "standard output cannot be written");
  return found->faults == 0 ? exit_code::done : exit_code::failed;
}

exit_code dump(const std::vector<std::string>& words) {
  tool_words tool{about_dump, "millrace dump"};
  std::string path;
  tool.add_path("DATA_DIR", path, "the directory to print");
  if (const auto end = tool.parse(words)) return *end;
  const auto from = open_existing(path, needs::writing);
  if (!from) return fail(exit_code::cannot_open, from.error().text);
  const auto done = store::dump(*from, [](std::string_view line) -> result<> {
    std::fwrite(line.data(), 1, line.size(), stdout);
    if (std::putchar('\n') == EOF) return error{errc::io, "standard output cannot be written"};
    return {};
  });
  if (!done) {
    // A dump writes nothing, so it needs space only to open the directory.
    const bool is_full = done.error().code == errc::refused;
    return fail(is_full ? exit_code::cannot_open : code_of(done.error()), done.error().text);
  }
  if (std::fflush(stdout) != 0) return fail(exit_code::failed, "standard output cannot be written");
  return exit_code::done;
}

exit_code restore(const std::vector<std::string>& words) {
  tool_words tool{about_restore, "millrace restore"};
  std::string path;
  bool is_partial = false;
  tool.app().add_flag("--partial", is_partial, "accept a dump that is not complete or has changed");
  tool.add_path("DATA_DIR", path, "the directory to fill");
  if (const auto end = tool.parse(words)) return *end;
  auto into = open_new(path);
  if (!into) return fail(exit_code::cannot_open, into.error().text);
  std::ios::sync_with_stdio(false);
  const auto wanted = is_partial ? store::completeness::optional : store::completeness::required;
  const auto done = without_exceptions([&] { return store::restore(*into, std::cin, wanted); });
  if (!done) return undo(*into, code_of(done.error()), done.error().text);
  if (!done->remark.empty()) std::fprintf(stderr, "%s\n", done->remark.c_str());
  std::fprintf(stderr, "%llu jobs restored\n", static_cast<unsigned long long>(done->jobs));
  return exit_code::done;
}

exit_code import(const std::vector<std::string>& words) {
  tool_words tool{about_import, "millrace import"};
  std::string format, log_path, path;
  tool.app()
      .add_option("--from", format, "what is imported")
      ->type_name("FORMAT")
      ->required()
      ->check(CLI::IsMember({"beanstalkd-binlog"}));
  tool.add_path("LOG_DIR", log_path, "the directory that beanstalkd was given with -b");
  tool.add_path("DATA_DIR", path, "the directory to fill");
  if (const auto end = tool.parse(words)) return *end;
  auto found = read_beanstalkd_binlog(log_path);
  if (!found) {
    const bool damaged = found.error().code == errc::invalid;
    return fail(damaged ? exit_code::failed : exit_code::cannot_open, found.error().text);
  }
  auto into = open_new(path);
  if (!into) return fail(exit_code::cannot_open, into.error().text);
  if (const auto filled = without_exceptions([&] { return fill(*into, *found); }); !filled) {
    return undo(*into, code_of(filled.error()), filled.error().text);
  }
  for (const auto& remark : found->remarks) std::fprintf(stderr, "%s\n", remark.c_str());
  std::fprintf(stderr, "%zu jobs imported\n", found->jobs.size());
  return exit_code::done;
}

}  // namespace millrace::tools
