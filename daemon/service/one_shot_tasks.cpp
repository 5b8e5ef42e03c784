#include "service/one_shot_tasks.hpp"

#include <unistd.h>

#include "handlers/write_all.hpp"
#include "service/standard_error.hpp"
#include "settings/print.hpp"
#include "settings/schema.hpp"

namespace millrace::service {
namespace {

exit_code print(const std::string& text) {
  const auto written = handlers::write_all(STDOUT_FILENO, text);
  if (written) return exit_code::done;
  write_to_standard_error("millraced: " + written.error().text + '\n');
  return exit_code::failed;
}

}  // namespace

exit_code run_one_shot_task(const arguments& arguments, const settings::vocabulary& vocabulary) {
  if (arguments.task == task::print_example_config) return print(settings::print_example(vocabulary));
  if (arguments.task == task::print_schema) return print(settings::schema(vocabulary));
  const auto read = settings::load_file(arguments.config, vocabulary);
  write_to_standard_error(text_of(read.diagnostics));
  if (!read.value) return exit_code::bad_settings;
  return print(arguments.task == task::check ? arguments.config + ": ok\n" : settings::print(*read.value));
}

std::string text_of(const std::vector<settings::diagnostic>& diagnostics) {
  std::string text;
  for (const auto& diagnostic : diagnostics) text += diagnostic.text() + '\n';
  return text;
}

}  // namespace millrace::service
