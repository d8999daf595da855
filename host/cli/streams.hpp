// The program's standard streams and the signals that end a process by default. Whatever becomes of the terminal, the
// pipe or the disk behind a stream, work goes on: what is told on stderr may be lost, and what is printed on stdout is
// missed at the end.
#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace unfold::cli {

// Before anything else. Streams that are closed lead nowhere, so that no file takes their place; writing to what is
// gone or too large is an error and no signal (SIGPIPE, SIGXFSZ); reading a mapped file that another program cut short
// is a message and exit code 3 (SIGBUS).
void prepare_streams();

// What could not be written is remembered until finish_stdout.
void write_stdout(std::string_view text) noexcept;
void flush_stdout() noexcept;
// What could not be written is lost.
void write_stderr(std::string_view text) noexcept;

template <typename... Args>
void print_out(fmt::format_string<Args...> format, Args&&... args) {
  write_stdout(fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void print_err(fmt::format_string<Args...> format, Args&&... args) {
  write_stderr(fmt::format(format, std::forward<Args>(args)...));
}

// Flushes stdout and throws DataError where anything printed did not get out. Where its reader has gone, ends the
// process as others end then, by SIGPIPE.
void finish_stdout();

}  // namespace unfold::cli
