#include "loop/symbols.hpp"

#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <span>

namespace millrace::loop {

namespace {

constexpr std::size_t name_bytes_max = 120;

/// The program file, in memory.
class program_file {
 public:
  program_file() {
    const int opened = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (opened < 0) return;
    struct stat facts {};
    if (::fstat(opened, &facts) == 0 && facts.st_size > 0) {
      void* const mapped = ::mmap(nullptr, static_cast<std::size_t>(facts.st_size), PROT_READ, MAP_PRIVATE, opened, 0);
      if (mapped != MAP_FAILED)
        bytes_ = {static_cast<const std::byte*>(mapped), static_cast<std::size_t>(facts.st_size)};
    }
    ::close(opened);
  }
  ~program_file() {
    if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  }
  program_file(const program_file&) = delete;
  program_file& operator=(const program_file&) = delete;

  /// `count` values at `offset`; none if they are not all inside of the file.
  template <class Value>
  [[nodiscard]] std::span<const Value> at(std::size_t offset, std::size_t count) const {
    if (offset > bytes_.size() || count > (bytes_.size() - offset) / sizeof(Value)) return {};
    if (offset % alignof(Value) != 0) return {};
    return {reinterpret_cast<const Value*>(bytes_.data() + offset), count};
  }

 private:
  std::span<const std::byte> bytes_;
};

/// Where the program is, and what is added to the addresses of its file.
struct program_range {
  std::uintptr_t bias{0}, begin{0}, end{0};
};

program_range find_program() {
  program_range found;
  ::dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* argument) {
        auto& range = *static_cast<program_range*>(argument);  // the program comes first
        range.bias = range.begin = info->dlpi_addr;
        for (std::size_t n = 0; n < info->dlpi_phnum; ++n) {
          const auto& part = info->dlpi_phdr[n];
          if (part.p_type == PT_LOAD) range.end = info->dlpi_addr + part.p_vaddr + part.p_memsz;
        }
        return 1;
      },
      &found);
  return found;
}

std::string demangled(const char* name) {
  int failure = 0;
  const std::unique_ptr<char, void (*)(void*)> text{abi::__cxa_demangle(name, nullptr, nullptr, &failure), std::free};
  return short_name(text ? std::string_view{text.get()} : std::string_view{name});
}

/// Fills in the names that the symbols of the program file have. One pass over the symbols, and nothing is kept: a
/// stall is rare.
void add_names_of_program(const std::vector<std::uintptr_t>& addresses, const program_range& program,
                          std::vector<std::string>& names) {
  const program_file file;
  const auto header = file.at<Elf64_Ehdr>(0, 1);
  if (header.empty() || header[0].e_ident[EI_CLASS] != ELFCLASS64) return;
  const auto sections = file.at<Elf64_Shdr>(header[0].e_shoff, header[0].e_shnum);
  for (const auto& section : sections) {
    if (section.sh_type != SHT_SYMTAB || section.sh_link >= sections.size()) continue;
    const auto& text = sections[section.sh_link];
    const auto letters = file.at<char>(text.sh_offset, text.sh_size);
    if (letters.empty() || letters.back() != '\0') continue;
    for (const auto& symbol : file.at<Elf64_Sym>(section.sh_offset, section.sh_size / sizeof(Elf64_Sym))) {
      if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_name >= letters.size()) continue;
      for (std::size_t n = 0; n < addresses.size(); ++n) {
        if (addresses[n] < program.begin || addresses[n] >= program.end) continue;
        const auto offset = addresses[n] - program.bias - symbol.st_value;
        if (offset < symbol.st_size && names[n].empty()) names[n] = demangled(&letters[symbol.st_name]);
      }
    }
  }
}

std::string name_in_library(std::uintptr_t address) {
  Dl_info found{};
  // NOLINTNEXTLINE(performance-no-int-to-ptr): an address of code, which is only looked up
  if (::dladdr(reinterpret_cast<void*>(address), &found) == 0 || found.dli_fname == nullptr) return "?";
  if (found.dli_sname != nullptr) return demangled(found.dli_sname);
  const std::string_view path{found.dli_fname};
  char offset[32];
  std::snprintf(offset, sizeof offset, "+0x%zx", address - reinterpret_cast<std::uintptr_t>(found.dli_fbase));
  return std::string{path.substr(path.rfind('/') + 1)} + offset;
}

}  // namespace

std::string short_name(std::string_view demangled) {
  constexpr std::string_view unnamed = "(anonymous namespace)::";
  std::string text;
  int depth = 0;
  for (std::size_t at = 0; at < demangled.size() && text.size() < name_bytes_max; ++at) {
    const char letter = demangled[at];
    if (demangled.substr(at, unnamed.size()) == unnamed) {
      at += unnamed.size() - 1;
    } else if (demangled.substr(at, 8) == "operator" && depth == 0) {
      // Its name may be made of brackets.
      const auto end = demangled.find('(', at + 10 > demangled.size() ? at : at + 10);
      text += demangled.substr(at, end == std::string_view::npos ? end : end - at);
      break;
    } else if (letter == '<' || letter == '(' || letter == '[') {
      ++depth;
    } else if (letter == '>' || letter == ')' || letter == ']') {
      --depth;
    } else if (depth == 0) {
      text += letter;
    }
  }
  while (text.ends_with(' ')) text.pop_back();
  if (text.ends_with(" const")) text.resize(text.size() - 6);
  // The type of the result of a template.
  if (const auto blank = text.rfind(' '); blank != std::string::npos && text.find("operator") == std::string::npos)
    text.erase(0, blank + 1);
  return text;
}

std::vector<std::string> names_of(const std::vector<std::uintptr_t>& addresses) {
  std::vector<std::string> names(addresses.size());
  add_names_of_program(addresses, find_program(), names);
  for (std::size_t n = 0; n < names.size(); ++n) {
    if (names[n].empty()) names[n] = name_in_library(addresses[n]);
  }
  return names;
}

}  // namespace millrace::loop
