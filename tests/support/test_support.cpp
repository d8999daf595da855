#include "tests/support/test_support.hpp"

#include <cstdlib>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <stdexcept>

#include "host/device/shared_library.hpp"

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

namespace {

// $VARIABLE, else the first of `places`, seen from this program, that holds `content`; else an empty path.
std::filesystem::path find_folder(const char* variable, std::initializer_list<const char*> places,
                                  std::string_view content) {
  if (const char* named = std::getenv(variable)) return named;
  for (const char* place : places) {
    const std::filesystem::path folder = program_directory() / place;
    if (std::filesystem::exists(folder / content)) return folder.lexically_normal();
  }
  return {};
}

}  // namespace

std::size_t count_of(const std::string& text, const std::string& word) {
  std::size_t n = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++n;
  return n;
}

std::filesystem::path program() {
  if (const char* named = std::getenv("UNFOLD_PROGRAM")) return named;
  const std::filesystem::path here = program_directory();
  const std::filesystem::path bundled = here / "../bin/unfold";
  return (std::filesystem::exists(bundled) ? bundled : here / "../host/unfold").lexically_normal();
}

std::filesystem::path source_directory() {
  return find_folder("UNFOLD_SOURCE_DIR", {"../../.."}, "kernels/CMakeLists.txt");
}

std::filesystem::path real_data(std::string_view name) {
  const std::filesystem::path file =
      find_folder("UNFOLD_DATA", {"../../../../shared/data", "../../shared/data"}, name) / name;
  return std::filesystem::exists(file) ? file : std::filesystem::path();
}

}  // namespace unfold::test
