#include "sources/catalogue.hpp"

#include "sources/interval.hpp"
#include "sources/lines.hpp"
#include "sources/list.hpp"
#include "sources/random.hpp"
#include "sources/range.hpp"

namespace millrace::sources {

void add_all(registry& kinds) {
  kinds.add(kind_of<interval>("interval", "the same body at a fixed interval", interval_option_table()));
  kinds.add(kind_of<lines>("lines", "the lines of a file or of standard input", lines_option_table()));
  kinds.add(kind_of<list>("list", "the items in the settings", list_option_table()));
  kinds.add(kind_of<random>("random", "random odd numbers of a given length", random_option_table()));
  kinds.add(kind_of<range>("range", "whole numbers, one after another", range_option_table()));
}

}  // namespace millrace::sources
