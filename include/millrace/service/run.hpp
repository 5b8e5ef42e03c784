#pragma once

#include <functional>

#include <millrace/handlers/registry.hpp>
#include <millrace/sources/registry.hpp>

namespace millrace {

/// Adds handlers and sources to the built-in ones. Their names are then valid in settings, `--check`, `--print-schema`
/// and `--print-example-config`. Requires: each name is new, and what is added lives as long as the program.
using registrar = std::function<void(handlers::registry& handlers, sources::registry& sources)>;

/// The program `millraced` as a function: reads the arguments of `main`, runs the daemon until it has ended, and
/// returns the exit status, which `--help` explains. Errors are messages on standard error, never exceptions.
///
/// Owns the process meanwhile: it handles signals, raises the limit of open files, and with `-u` gives up root. Called
/// once, on the main thread, before the program starts threads of its own, with the arguments of `main`: the processes
/// of `run_on: processes` are the same program again, with an argument of ours.
int run(int argc, char** argv, const registrar& add_kinds = {});

}  // namespace millrace
