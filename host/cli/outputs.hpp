// What a command reads and writes, checked before it does either.
#pragma once

#include <string>
#include <vector>

namespace unfold::cli {

// A file or folder and what the command line calls it: "--out". An empty path was not given.
struct NamedFile {
  const char* name;
  std::string path;
};

// The file is standard output by a name such as /dev/stdout: nothing else is printed there then.
bool is_stdout(const std::string& file);

// The file of --config, which every command reads: an input of all checks that follow.
void set_config_input(std::string path);

// Throws UsageError for an output that check_output (host/io/output_rule.hpp) refuses, and for two that are the same.
void check_outputs(const std::vector<NamedFile>& inputs, const std::vector<NamedFile>& outputs, bool overwrite);

}  // namespace unfold::cli
