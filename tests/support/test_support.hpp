// What several tests need: a folder of their own, files with given bytes, the real data sets where present.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace unfold::test {

// A fresh directory, removed with its content at the end of the test.
class TempDirectory {
 public:
  TempDirectory();
  ~TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

void write_file(const std::filesystem::path& file, std::string_view bytes);
std::string read_file(const std::filesystem::path& file);

// How often `word` stands in the text.
std::size_t count_of(const std::string& text, const std::string& word);

// The program under test: $UNFOLD_PROGRAM, else where a build or a bundle has it beside this one.
std::filesystem::path program();

// The checkout: $UNFOLD_SOURCE_DIR, else where its build/PRESET/tests has it. Empty where the sources are not here.
std::filesystem::path source_directory();

// The file `name` of the real data sets ($UNFOLD_DATA, else beside the checkout or the unpacked bundle), or an empty
// path.
std::filesystem::path real_data(std::string_view name);

}  // namespace unfold::test

// Skips the running test where the sources are absent.
#define UNFOLD_REQUIRE_SOURCES(variable)                                     \
  const std::filesystem::path variable = ::unfold::test::source_directory(); \
  if (variable.empty()) GTEST_SKIP() << "the sources are not here; set UNFOLD_SOURCE_DIR to the checkout"

// Skips the running test where the file is absent.
#define UNFOLD_REQUIRE_REAL_DATA(variable, name)                          \
  const std::filesystem::path variable = ::unfold::test::real_data(name); \
  if (variable.empty()) GTEST_SKIP() << name << " is not here; set UNFOLD_DATA to the folder of real data"
