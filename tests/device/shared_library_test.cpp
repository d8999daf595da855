#include "host/device/shared_library.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/test_support.hpp"
#include "unfold/error.hpp"

namespace unfold::test {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

std::string error_of(const std::string& name, const std::filesystem::path& beside,
                     const std::vector<std::filesystem::path>& folders) {
  try {
    open_shared_library(name, beside, folders, "install it");
  } catch (const DeviceError& error) {
    return error.what();
  }
  return "";
}

TEST(SharedLibrary, OpensWhereTheDynamicLinkerLooks) {
  const TempDirectory empty;
  void* const library = open_shared_library("libm.so.6", empty.path(), {}, "");
  EXPECT_NE(shared_symbol(library, "cos"), nullptr);
  EXPECT_THROW(shared_symbol(library, "no_such_function"), DeviceError);
}

TEST(SharedLibrary, SaysEveryPlaceAndTheRemedy) {
  const TempDirectory beside, other;
  EXPECT_THAT(error_of("libabsent.so.1", beside.path(), {other.path()}),
              AllOf(StartsWith("libabsent.so.1 does not load"),
                    HasSubstr((beside / "libabsent.so.1").string() + ": no such file"),
                    HasSubstr("libabsent.so.1: cannot open shared object file"),
                    HasSubstr((other / "libabsent.so.1").string() + ": no such file"), EndsWith("; install it")));
}

TEST(SharedLibrary, LooksBesideTheProgramFirstAndGoesOnPastABrokenFile) {
  const TempDirectory beside;
  write_file(beside / "libabsent.so.1", "not a library");
  EXPECT_THAT(error_of("libabsent.so.1", beside.path(), {}), HasSubstr((beside / "libabsent.so.1").string() + ": "));
  write_file(beside / "libm.so.6", "not a library");
  EXPECT_NE(open_shared_library("libm.so.6", beside.path(), {}, ""), nullptr);
}

TEST(SharedLibrary, KnowsTheProgramsFolder) {
  EXPECT_TRUE(std::filesystem::exists(program_directory() / "unfold_tests"));
}

}  // namespace
}  // namespace unfold::test
