#include "host/cli/json_log.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "host/cli/streams.hpp"
#include "host/cli/text.hpp"
#include "host/io/output_rule.hpp"
#include "unfold/error.hpp"

namespace unfold::cli {
JsonLog::JsonLog(const std::string& file, bool overwrite) : name_(file) {
  if (file.empty()) return;
  if (const int open = open_descriptor(file); open >= 0) {
    file_ = FileDescriptor(::fcntl(open, F_DUPFD_CLOEXEC, 0));
    return;
  }
  check_output(file, {}, overwrite ? Existing::kReplace : Existing::kRefuse);
  std::error_code ignored;
  const bool is_new = !std::filesystem::exists(std::filesystem::symlink_status(file, ignored));
  // O_NONBLOCK: a pipe that nobody reads would be waited for without end.
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (is_new ? O_EXCL : O_TRUNC);
  file_ = FileDescriptor(::open(file.c_str(), flags, 0666));
  if (file_.is_open()) return;
  throw DataError(fmt::format("--log-json {}: cannot be written: {}", file,
                              errno == ENXIO ? "it is a pipe that nobody reads" : errno_text(errno)));
}

void JsonLog::write(const nlohmann::ordered_json& line, const std::function<void(const std::string&)>& warn) {
  if (!file_.is_open()) return;
  flush_stdout();  // which may be the same file
  const int error = write_to_descriptor(file_.get(), json_line(line) + '\n');
  if (error == 0) return;
  file_.close();
  is_whole_ = false;
  warn(fmt::format("unfold: warning: --log-json {}: cannot be written: {}; the log ends here, training goes on", name_,
                   errno_text(error)));
}

}  // namespace unfold::cli
