#include "unfold/verify.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/small_model.hpp"
#include "tests/support/test_support.hpp"
#include "unfold/dataset.hpp"
#include "unfold/error.hpp"
#include "unfold/export.hpp"
#include "unfold/model.hpp"

namespace unfold {
namespace {

namespace fs = std::filesystem;
using test::TempDirectory;

class VerifyTest : public testing::Test {
 protected:
  void SetUp() override {
    save_model(test::small_model(), folder_ / "model", false);
    export_model(test::small_model(), "csv", folder_ / "export", false);
    test::write_file(folder_ / "in.csv", "user,item,rating,timestamp\na,x,1,10\nb,y,2,20\n");
    import_dataset(folder_ / "in.csv", folder_ / "data", {});
  }
  TempDirectory folder_;
};

TEST_F(VerifyTest, FindsEveryChangedByteAndNamesItsFile) {
  const struct {
    const char *folder, *kind, *description;
  } cases[] = {
      {"model", "model", "model.json"}, {"data", "data set", "dataset.json"}, {"export", "export", "export.json"}};
  for (const auto& [name, kind, description] : cases) {
    const fs::path folder = folder_ / name;
    const VerifyReport report = verify_folder(folder);
    EXPECT_EQ(report.kind, kind);
    EXPECT_TRUE(report.has_checksums);
    EXPECT_GT(report.n_bytes, 0u);
    std::uint64_t n_files = 0;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      const std::string good = test::read_file(entry.path());
      if (entry.path().filename() == description) continue;
      ++n_files;
      for (std::size_t at = 0; at < good.size(); ++at) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 4);
        test::write_file(entry.path(), bad);
        try {
          verify_folder(folder);
          ADD_FAILURE() << entry.path() << " " << at;
        } catch (const DataError& error) {
          ASSERT_NE(std::string(error.what()).find(entry.path().string()), std::string::npos) << error.what();
        }
      }
      test::write_file(entry.path(), good);
    }
    EXPECT_EQ(report.n_files, n_files);
    verify_folder(folder);
  }
}

TEST_F(VerifyTest, WhatWasWrittenWithoutChecksumsIsSaidSo) {
  const auto erase_checksums = [this](const char* name) {
    nlohmann::ordered_json json = nlohmann::ordered_json::parse(test::read_file(folder_ / name));
    json.erase("file_xxh3_128");
    test::write_file(folder_ / name, json.dump());
  };
  erase_checksums("data/dataset.json");
  EXPECT_FALSE(verify_folder(folder_ / "data").has_checksums);
  // Models of version 1 too (version_1_test.cpp); those of version 2 all have them.
  erase_checksums("model/model.json");
  EXPECT_THROW(verify_folder(folder_ / "model"), DataError);
}

TEST_F(VerifyTest, TakesModelsOfAnyKindAndShape) {
  Model model = test::small_model();
  model.kind = "of-tomorrow";
  model.tensors = {};
  model.tensors["item.embedding"] = Tensor::zeros({2, 0, 7});
  model.files["vocab/genre.txt"] = "drama\n";
  save_model(model, folder_ / "strange", false);
  const VerifyReport report = verify_folder(folder_ / "strange");
  EXPECT_EQ(report.kind, "model");
  EXPECT_EQ(report.n_files, 7u);
  test::write_file(folder_ / "strange/vocab/genre.txt", "crime\n");
  EXPECT_THROW(verify_folder(folder_ / "strange"), DataError);
}

TEST_F(VerifyTest, RefusesWhatIsNoneOfThem) {
  EXPECT_THROW(verify_folder(folder_.path()), DataError);
  EXPECT_THROW(verify_folder(folder_ / "in.csv"), DataError);
  EXPECT_THROW(verify_folder(folder_ / "none"), DataError);
  test::write_file(folder_ / "model/model.json", "[1]");
  EXPECT_THROW(verify_folder(folder_ / "model"), DataError);
}

}  // namespace
}  // namespace unfold
