#include "host/cli/streams.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <utility>

#include "host/io/file.hpp"
#include "host/io/map_registry.hpp"
#include "unfold/error.hpp"

namespace unfold::cli {
namespace {

constexpr int kDataExitCode = 3;

int stdout_error = 0;  // errno of the first failure
bool ends_by_sigpipe = false;

// Only async-signal-safe calls.
void write_words(const char* text) { [[maybe_unused]] const ssize_t n = write(STDERR_FILENO, text, std::strlen(text)); }

extern "C" void on_bus_error(int signal, siginfo_t* info, void*) {
  const char* file = find_mapped_file(info->si_addr);
  if (file == nullptr) {
    std::signal(signal, SIG_DFL);
    raise(signal);
    return;
  }
  write_words("unfold: error: ");
  write_words(file);
  write_words(": was cut short while it was in use, or its disk fails; make it again and start anew\n");
  _exit(kDataExitCode);
}

void open_closed_streams() {
  // The lowest free number is the one that is closed. Not for writing: what is printed there has to be missed.
  while (true) {
    const int descriptor = open("/dev/null", O_RDONLY);
    if (descriptor > STDERR_FILENO) close(descriptor);
    if (descriptor < 0 || descriptor > STDERR_FILENO) return;
  }
}

// Whether the signal had ended the process until now.
bool ignore(int signal) { return std::signal(signal, SIG_IGN) == SIG_DFL; }

}  // namespace

void prepare_streams() {
  open_closed_streams();
  ends_by_sigpipe = ignore(SIGPIPE);
  ignore(SIGXFSZ);
  struct sigaction action {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &action, nullptr);
}

void write_stdout(std::string_view text) noexcept {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() && stdout_error == 0) stdout_error = errno;
}

void flush_stdout() noexcept {
  if (std::fflush(stdout) != 0 && stdout_error == 0) stdout_error = errno;
}

void write_stderr(std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t n = write(STDERR_FILENO, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

void finish_stdout() {
  flush_stdout();
  if (std::ferror(stdout) != 0 && stdout_error == 0) stdout_error = EIO;
  if (stdout_error == 0) return;
  if (stdout_error == EPIPE && ends_by_sigpipe) {
    std::signal(SIGPIPE, SIG_DFL);
    raise(SIGPIPE);
  }
  const int error = std::exchange(stdout_error, 0);
  throw DataError(fmt::format("standard output cannot be written: {}", errno_text(error)));
}

}  // namespace unfold::cli
