#include "tests/support/test_support.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "host/ops/shared_library.hpp"

namespace unfold::test {

TempDirectory::TempDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "unfold_test_XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory at " + pattern);
  path_ = pattern;
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void write_file(const std::filesystem::path& file, std::string_view bytes) {
  std::ofstream out(file, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!out.flush()) throw std::runtime_error("cannot write " + file.string());
}

std::string read_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + file.string());
  return {std::istreambuf_iterator<char>(in), {}};
}

std::filesystem::path program() {
  if (const char* named = std::getenv("UNFOLD_PROGRAM")) return named;
  const std::filesystem::path here = program_directory();
  const std::filesystem::path bundled = here / "../bin/unfold";
  return (std::filesystem::exists(bundled) ? bundled : here / UNFOLD_PROGRAM).lexically_normal();
}

std::filesystem::path real_data(std::string_view name) {
  const char* folder = std::getenv("UNFOLD_DATA");
  const std::filesystem::path file = program_directory() / (folder != nullptr ? folder : UNFOLD_DATA_DEFAULT) / name;
  return std::filesystem::exists(file) ? file : std::filesystem::path();
}

}  // namespace unfold::test
