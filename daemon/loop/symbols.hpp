#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::loop {

/// The names of the functions at these addresses of this process, without parameters and template arguments. Found in
/// the symbols of the program file and in those that libraries export; without a symbol it is `file+0xoffset`, for
/// addr2line. Reads the program file, so any thread but the loop's.
[[nodiscard]] std::vector<std::string> names_of(const std::vector<std::uintptr_t>& addresses);

/// A demangled name without parameters, template arguments and clones.
[[nodiscard]] std::string short_name(std::string_view demangled);

}  // namespace millrace::loop
