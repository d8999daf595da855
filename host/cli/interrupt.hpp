// Ctrl-C, SIGTERM and SIGHUP. The first asks the program to stop at a good place; a second Ctrl-C or SIGTERM, at least
// 0.3 s later, ends it at once. Those that were ignored when the program was started stay ignored.
#pragma once

#include <exception>

namespace unfold::cli {

inline constexpr int kInterruptedExitCode = 130;

// Thrown where there is nothing worth keeping yet. Not an error: main says nothing more and exits with 130.
struct Interrupted : std::exception {
  const char* what() const noexcept override { return "interrupted"; }
};

// From here on the first signal only sets a flag and says so on stderr; before, it ends the program as usual.
void catch_interrupts();
bool interrupted() noexcept;
// Throws Interrupted after a first signal.
void throw_if_interrupted();

}  // namespace unfold::cli
