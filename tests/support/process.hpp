// Runs a program as a process of its own: arguments in, exit code and output out.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace unfold::test {

struct ProcessResult {
  int exit_code = -1;      // 128 + the signal where one ended it
  bool timed_out = false;  // killed after the time limit
  std::string out, err;
};

struct ProcessOptions {
  std::filesystem::path directory;                 // to run in; empty: this process's
  std::map<std::string, std::string> environment;  // added to this process's
  std::string input;                               // all of stdin, at most 64 KiB
  unsigned terminal_columns = 0;  // > 0: stderr is a terminal of this width, which ends lines with CR LF
};

class Process {
 public:
  using Seconds = std::chrono::duration<double>;
  // A program's time, where ThreadSanitizer makes it some twenty times as slow too. Within that of ctest.
#if defined(__SANITIZE_THREAD__)
  static constexpr Seconds kLongest{800};
#else
  static constexpr Seconds kLongest{240};
#endif

  // Starts `arguments[0]`. Throws std::runtime_error.
  explicit Process(const std::vector<std::string>& arguments, const ProcessOptions& options = {});
  // Kills it where it still runs.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Sends a signal to the process.
  void send_signal(int signal);
  // Reads its output until stderr holds `text`; false when it ends, or after the limit.
  bool wait_for_error_text(const std::string& text, Seconds limit = Seconds(60));
  // Waits for its end; kills it after the limit.
  ProcessResult wait(Seconds limit = kLongest);

 private:
  // Reads what there is, waiting up to `limit` for it. False at the end of both streams.
  bool read_some(Seconds limit);
  void close_streams();

  pid_t pid_ = -1;
  int out_ = -1, err_ = -1;
  ProcessResult result_;
};

// Whether the machine has pseudo-terminals: a bare chroot may not (/dev/pts).
bool has_terminals();

ProcessResult run_process(const std::vector<std::string>& arguments, const ProcessOptions& options = {});

}  // namespace unfold::test
