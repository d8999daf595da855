#include "tests/support/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>

namespace unfold::test {
namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
  Pipe() {
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error(std::string("pipe: ") + std::strerror(errno));
  }
  int ends[2];  // read, write
};

// What goes to `program` comes out at `master`.
struct Terminal {
  explicit Terminal(unsigned columns) {
    const winsize size{24, static_cast<unsigned short>(columns), 0, 0};
    if (openpty(&master, &program, nullptr, nullptr, &size) != 0) {
      throw std::runtime_error(std::string("openpty: ") + std::strerror(errno));
    }
    for (const int end : {master, program}) fcntl(end, F_SETFD, FD_CLOEXEC);
  }
  int master = -1, program = -1;
};

std::vector<std::string> merged_environment(const std::map<std::string, std::string>& added) {
  std::vector<std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (added.count(text.substr(0, text.find('='))) == 0) merged.push_back(text);
  }
  for (const auto& [name, value] : added) merged.push_back(name + "=" + value);
  return merged;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

Process::Process(const std::vector<std::string>& arguments, const ProcessOptions& options) {
  Pipe in, out, err;
  if (options.terminal_columns > 0) {
    const Terminal terminal(options.terminal_columns);
    for (const int end : err.ends) close(end);
    err.ends[0] = terminal.master;
    err.ends[1] = terminal.program;
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.ends[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out.ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.ends[1], STDERR_FILENO);
  if (!options.directory.empty()) posix_spawn_file_actions_addchdir_np(&actions, options.directory.c_str());
  std::vector<std::string> argument_texts = arguments;
  std::vector<std::string> environment = merged_environment(options.environment);
  const int error = posix_spawnp(&pid_, arguments.at(0).c_str(), &actions, nullptr, pointers(argument_texts).data(),
                                 pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  for (const int end : {in.ends[0], out.ends[1], err.ends[1]}) close(end);
  out_ = out.ends[0];
  err_ = err.ends[0];
  const ssize_t written = write(in.ends[1], options.input.data(), options.input.size());
  close(in.ends[1]);
  if (error != 0 || written < 0) {
    close_streams();
    pid_ = -1;
    throw std::runtime_error(arguments[0] + ": " + std::strerror(error));
  }
}

Process::~Process() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close_streams();
}

void Process::close_streams() {
  for (int* stream : {&out_, &err_}) {
    if (*stream >= 0) close(*stream);
    *stream = -1;
  }
}

void Process::send_signal(int signal) {
  if (kill(pid_, signal) != 0) throw std::runtime_error(std::string("kill: ") + std::strerror(errno));
}

bool Process::read_some(Seconds limit) {
  std::array<pollfd, 2> streams = {{{out_, POLLIN, 0}, {err_, POLLIN, 0}}};
  if (out_ < 0 && err_ < 0) return false;
  const double milliseconds = std::clamp(limit.count() * 1000, 0.0, 1e6);
  if (poll(streams.data(), streams.size(), static_cast<int>(milliseconds)) <= 0) return true;
  const auto drain = [](int& stream, std::string& text) {
    char buffer[4096];
    const ssize_t n = read(stream, buffer, sizeof buffer);
    if (n > 0) {
      text.append(buffer, static_cast<std::size_t>(n));
    } else if (n == 0 || errno == EIO) {  // EIO: a terminal that no process has open any more
      close(stream);
      stream = -1;
    }
  };
  if (streams[0].revents != 0) drain(out_, result_.out);
  if (streams[1].revents != 0) drain(err_, result_.err);
  return true;
}

bool Process::wait_for_error_text(const std::string& text, Seconds limit) {
  const Clock::time_point end = Clock::now() + std::chrono::duration_cast<Clock::duration>(limit);
  while (result_.err.find(text) == std::string::npos) {
    const Seconds left = end - Clock::now();
    if (left.count() <= 0 || !read_some(left)) return false;
  }
  return true;
}

ProcessResult Process::wait(Seconds limit) {
  const Clock::time_point end = Clock::now() + std::chrono::duration_cast<Clock::duration>(limit);
  while (out_ >= 0 || err_ >= 0) {
    const Seconds left = end - Clock::now();
    if (left.count() <= 0) {
      kill(pid_, SIGKILL);
      result_.timed_out = true;
      break;
    }
    read_some(left);
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  result_.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return std::move(result_);
}

bool has_terminals() {
  int master = -1, program = -1;
  if (openpty(&master, &program, nullptr, nullptr, nullptr) != 0) return false;
  close(master);
  close(program);
  return true;
}

ProcessResult run_process(const std::vector<std::string>& arguments, const ProcessOptions& options) {
  return Process(arguments, options).wait();
}

}  // namespace unfold::test
