#include "settings/load.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "settings/consistency.hpp"
#include "settings/document.hpp"
#include "settings/expansion.hpp"
#include "settings/reader.hpp"
#include "settings/resources.hpp"
#include "settings/sections.hpp"

namespace millrace::settings {

namespace {

struct open_file {
  explicit open_file(const std::string& path) : number{::open(path.c_str(), O_RDONLY | O_CLOEXEC)} {}
  ~open_file() {
    if (number >= 0) ::close(number);
  }
  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;

  int number;
};

error system_error_of(int code) { return {errc::io, std::generic_category().message(code)}; }

/// Reads the whole file, or at least one byte more than the limit. The file may be a pipe.
result<std::string> read_file(const std::string& path) {
  const open_file file{path};
  if (file.number < 0) return system_error_of(errno);
  struct stat status {};
  if (::fstat(file.number, &status) != 0) return system_error_of(errno);
  if (S_ISDIR(status.st_mode)) return invalid("this is a directory");

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

loaded load(std::string_view yaml, const std::string& name, const vocabulary& vocabulary, input_files files) {
  diagnostic_list diagnostics{name};
  settings out;
  out.file = name;
  std::optional<node> root;
  if (yaml.size() > file_bytes_max) {
    diagnostics.error({}, {}, "the file is larger than " + write_size(file_bytes_max));
  } else if ((root = parse_document(yaml, diagnostics))) {
    if (root->form == node::shape::null) {
      diagnostics.error(root->start, {}, "the file is empty",
                        "a map with some of the keys daemon, queues, producers, consumers");
    } else if (expect_map(*root, {}, diagnostics)) {
      expand_paths(*root, diagnostics);
      read_sections(*root, vocabulary, out, diagnostics);
      check_consistency(out, *root, diagnostics);
      check_exclusive_use(out, *root, diagnostics);
      if (files == input_files::checked) check_inputs(out, *root, diagnostics);
    }
  }
  auto read = root ? std::move(*root) : node{};
  if (diagnostics.has_errors()) return {std::nullopt, diagnostics.take(), std::move(read)};
  return {std::move(out), diagnostics.take(), std::move(read)};
}

}  // namespace

loaded load_file(const std::string& path, const vocabulary& vocabulary) {
  const result<std::string> text = read_file(path);
  if (text) return load(*text, path, vocabulary, input_files::checked);
  diagnostic_list diagnostics{path};
  diagnostics.error({}, {}, "cannot be read: " + text.error().text, "a settings file");
  return {std::nullopt, diagnostics.take(), {}};
}

loaded load_text(std::string_view yaml, const std::string& name, const vocabulary& vocabulary) {
  return load(yaml, name, vocabulary, input_files::ignored);
}

}  // namespace millrace::settings
