// The file of --log-json: one JSON object a line, each written as soon as it is known.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "host/io/file.hpp"

namespace unfold::cli {

class JsonLog {
 public:
  // No name, no log. A file of the name is emptied where `overwrite` says so; a pipe that is read, and a device, may be
  // written in any case. Throws DataError where the log cannot be opened, UsageError where the name is taken.
  JsonLog(const std::string& file, bool overwrite);
  // A line that cannot be written ends the log and nothing else: `warn` is told once, and is_whole() is false from then
  // on. A pipe that nobody empties counts as such after some seconds.
  void write(const nlohmann::ordered_json& line, const std::function<void(const std::string&)>& warn);
  bool is_whole() const { return is_whole_; }

 private:
  std::string name_;
  FileDescriptor file_;
  bool is_whole_ = true;
};

}  // namespace unfold::cli
