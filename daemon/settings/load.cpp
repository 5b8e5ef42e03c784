#include "settings/load.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "settings/claims.hpp"
#include "settings/consistency.hpp"
#include "settings/document.hpp"
#include "settings/expansion.hpp"
#include "settings/parts.hpp"
#include "settings/reader.hpp"

namespace millrace::settings {

namespace {

struct descriptor {
  explicit descriptor(const std::string& path) : number{::open(path.c_str(), O_RDONLY | O_CLOEXEC)} {}
  ~descriptor() {
    if (number >= 0) ::close(number);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;

  int number;
};

error system_error_of(int code) { return {errc::io, std::generic_category().message(code)}; }

/// The whole file, or one byte beyond the limit. A pipe may be read as well.
result<std::string> read_file(const std::string& path) {
  const descriptor file{path};
  if (file.number < 0) return system_error_of(errno);
  struct stat facts {};
  if (::fstat(file.number, &facts) != 0) return system_error_of(errno);
  if (S_ISDIR(facts.st_mode)) return invalid("this is a directory");

  constexpr std::size_t piece_bytes = 64u << 10;
  std::string text;
  while (text.size() <= file_bytes_max) {
    const std::size_t before = text.size();
    text.resize(before + piece_bytes);
    const ssize_t got = ::read(file.number, text.data() + before, piece_bytes);
    const int code = errno;
    text.resize(before + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got == 0) return text;
    if (got < 0 && code != EINTR) return system_error_of(code);
  }
  return text;
}

enum class input_files { checked, ignored };

loaded load(std::string_view yaml, const std::string& name, const vocabulary& words, input_files files) {
  complaint_list complaints{name};
  settings out;
  out.file = name;
  if (yaml.size() > file_bytes_max) {
    complaints.error({}, {}, "the file is larger than " + write_size(file_bytes_max));
  } else if (auto root = parse_document(yaml, complaints)) {
    if (root->form == node::shape::nothing) {
      complaints.error(root->at, {}, "there is nothing in it",
                       "a map with some of the keys daemon, queues, producers, consumers");
    } else if (expect_map(*root, {}, complaints)) {
      expand_paths(*root, complaints);
      read_parts(*root, words, out, complaints);
      check_consistency(out, *root, complaints);
      check_claims(out, *root, complaints);
      if (files == input_files::checked) check_inputs(out, *root, complaints);
    }
  }
  if (complaints.has_errors()) return {std::nullopt, complaints.take()};
  return {std::move(out), complaints.take()};
}

}  // namespace

loaded load_file(const std::string& path, const vocabulary& words) {
  const result<std::string> text = read_file(path);
  if (text) return load(*text, path, words, input_files::checked);
  complaint_list complaints{path};
  complaints.error({}, {}, "cannot be read: " + text.error().text, "a settings file");
  return {std::nullopt, complaints.take()};
}

loaded load_text(std::string_view yaml, const std::string& name, const vocabulary& words) {
  return load(yaml, name, words, input_files::ignored);
}

}  // namespace millrace::settings
