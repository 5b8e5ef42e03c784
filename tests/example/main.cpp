// millraced with handlers and sources of its own.
#include <millrace/service/run.hpp>

void add_digits(millrace::handlers::registry& to);
void add_shout(millrace::handlers::registry& to);
void add_countdown(millrace::sources::registry& to);
void add_unruly(millrace::handlers::registry& to);
void add_unruly(millrace::sources::registry& to);

int main(int argc, char** argv) {
  return millrace::run(argc, argv, [](millrace::handlers::registry& handlers, millrace::sources::registry& sources) {
    add_digits(handlers);
    add_shout(handlers);
    add_unruly(handlers);
    add_countdown(sources);
    add_unruly(sources);
  });
}
