#include "unfold/dataset.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/data/import_support.hpp"
#include "tests/support/test_support.hpp"

namespace unfold {
namespace {

using test::count_entries;
using test::data_error;
using test::interactions;
using test::read_file;
using test::TempDirectory;
using test::write_file;
using testing::ElementsAre;
using testing::HasSubstr;

class DatasetTest : public testing::Test {
 protected:
  void SetUp() override { write_file(source_, "user,item,rating,time\na,x,1,10\na,y,2,20\nb,x,3,30\n"); }

  std::filesystem::path only_entry() const { return std::filesystem::directory_iterator(cache_)->path(); }

  TempDirectory folder_;
  std::filesystem::path source_ = folder_ / "ratings.csv";
  std::filesystem::path cache_ = folder_ / "cache";
  std::filesystem::path set_ = folder_ / "set";
};

TEST_F(DatasetTest, OpensWhatWasImported) {
  const Dataset imported = import_dataset(source_, set_, {});
  ASSERT_TRUE(Dataset::is_dataset(set_));
  const Dataset opened = Dataset::open(set_);
  EXPECT_EQ(interactions(opened), interactions(imported));
  EXPECT_EQ(interactions(opened).at({"b", "x"}), (std::pair<float, std::int64_t>{3.0f, 30}));
  const ImportReport& report = opened.report();
  EXPECT_EQ(report.source, source_.string());
  EXPECT_EQ(report.format, "csv");
  EXPECT_EQ(report.columns, "user=user,item=item,rating=rating,time=time");
  EXPECT_TRUE(report.has_ratings && report.has_times);
  EXPECT_EQ(report.n_lines, 4u);
  EXPECT_EQ(report.n_parsed, 3u);
  EXPECT_EQ(report.rating_min, 1.0);
  EXPECT_EQ(report.rating_max, 3.0);
  EXPECT_EQ(report.rating_mean, 2.0);
  EXPECT_EQ(opened.directory(), set_);
}

TEST_F(DatasetTest, DescriptionIsJsonWhateverTheNames) {
  const std::filesystem::path odd = folder_ / "r\xff.csv";
  write_file(odd, "user,item,\xfe\na,x,1\n");
  const Dataset dataset = import_dataset(odd, set_, {});
  const auto json = nlohmann::json::parse(read_file(set_ / "dataset.json"));
  EXPECT_EQ(json.at("format"), "unfold-dataset");
  EXPECT_EQ(json.at("format_version"), 1);
  EXPECT_EQ(json.at("n_ratings"), 1);
  EXPECT_EQ(json.at("options").at("min_user_ratings"), 1);
}

TEST_F(DatasetTest, IsDatasetTellsOthersApart) {
  EXPECT_FALSE(Dataset::is_dataset(source_));
  EXPECT_FALSE(Dataset::is_dataset(folder_.path()));
  EXPECT_FALSE(Dataset::is_dataset(folder_ / "absent"));
  EXPECT_THAT(data_error([&] { Dataset::open(folder_.path()); }), HasSubstr("is no imported data set"));
}

// Each kind of damage is told when the data set is opened, or when the ids are read.
TEST_F(DatasetTest, DamageIsFound) {
  const auto edit = [](const std::filesystem::path& file, const std::function<void(std::string&)>& change) {
    std::string bytes = read_file(file);
    change(bytes);
    write_file(file, bytes);
  };
  struct Damage {
    const char* file;
    std::function<void(std::string&)> change;
    const char* message;
  };
  const std::vector<Damage> damages = {
      {"dataset.json", [](std::string& b) { b.resize(b.size() / 2); }, "dataset.json: cannot be read"},
      {"dataset.json", [](std::string& b) { b.replace(b.find("n_users"), 7, "m_users"); }, "n_users"},
      {"dataset.json", [](std::string& b) { b.replace(b.find("version\": 1"), 11, "version\": 9"); }, "version 9"},
      {"dataset.json", [](std::string& b) { b.replace(b.find("ratings\": 3"), 11, "ratings\": 4"); }, "hold 3 ratings"},
      {"dataset.json", [](std::string& b) { b.replace(b.find("times\": true"), 12, "times\": false"); }, "time.npy"},
      {"user.npy", [](std::string& b) { b.resize(b.size() - 4); }, "user.npy"},
      {"item.npy", [](std::string& b) { b[b.size() - 4] = 2; }, "item.npy: holds row 2 where there are 2 rows"},
      {"user.npy", [](std::string& b) { b.back() = '\xff'; }, "user.npy: holds row"},
      {"rating.npy", [](std::string& b) { b.clear(); }, "rating.npy"},
      {"user_ids.txt", [](std::string& b) { b += "c\n"; }, "user_ids.txt: has 6 bytes where 4 belong"},
      {"item_ids.txt", [](std::string& b) { b = "x\nx\n"; }, "item_ids.txt"},
      {"item_ids.txt", [](std::string& b) { b = "xyz\n"; }, "item_ids.txt: holds 1 ids where 2 belong"},
  };
  for (const Damage& damage : damages) {
    std::filesystem::remove_all(set_);
    import_dataset(source_, set_, {});
    edit(set_ / damage.file, damage.change);
    const std::string error = data_error([&] { Dataset::open(set_).read_item_ids(); });
    EXPECT_THAT(error, HasSubstr(damage.message));
    EXPECT_THAT(error, HasSubstr(set_.string()));
  }
  for (const char* file : {"dataset.json", "user.npy", "item.npy", "rating.npy", "time.npy", "user_ids.txt"}) {
    std::filesystem::remove_all(set_);
    import_dataset(source_, set_, {});
    std::filesystem::remove(set_ / file);
    EXPECT_THAT(data_error([&] { Dataset::open(set_); }), HasSubstr(set_.string())) << file;
  }
}

TEST_F(DatasetTest, CacheServesTheSecondRun) {
  const CachedDataset first = open_or_import(source_, cache_ / "deep", {});
  EXPECT_FALSE(first.was_cached);
  const CachedDataset second = open_or_import(source_, cache_ / "deep", {});
  EXPECT_TRUE(second.was_cached);
  EXPECT_EQ(interactions(second.dataset), interactions(first.dataset));
  EXPECT_EQ(count_entries(cache_ / "deep"), 1u);
}

TEST_F(DatasetTest, CacheKeyIsContentAndOptions) {
  open_or_import(source_, cache_, {});
  const std::filesystem::path copy = folder_ / "copy.txt";
  std::filesystem::copy_file(source_, copy);
  EXPECT_TRUE(open_or_import(copy, cache_, {}).was_cached) << "the same bytes under another name";
  ImportOptions options;
  options.memory_bytes = 1 << 20;
  EXPECT_TRUE(open_or_import(source_, cache_, options).was_cached) << "memory does not change the result";
  options.min_user_ratings = 2;
  EXPECT_FALSE(open_or_import(source_, cache_, options).was_cached);
  options.columns = {{"user", "item"}, {"item", "user"}};
  EXPECT_FALSE(open_or_import(source_, cache_, options).was_cached);
  options.columns = {{"user", "item"}, {"item", "user"}, {"rating", "rating"}};
  EXPECT_FALSE(open_or_import(source_, cache_, options).was_cached);
  std::ofstream(source_, std::ios::app) << "c,y,5,40\n";
  const CachedDataset changed = open_or_import(source_, cache_, {});
  EXPECT_FALSE(changed.was_cached);
  EXPECT_EQ(changed.dataset.n_users(), 3u);
}

TEST_F(DatasetTest, DamagedCacheEntriesAreReplaced) {
  open_or_import(source_, cache_, {});
  for (const char* file : {"dataset.json", "user.npy", "user_ids.txt"}) {
    write_file(only_entry() / file, "rubbish");
    const CachedDataset again = open_or_import(source_, cache_, {});
    EXPECT_FALSE(again.was_cached) << file;
    EXPECT_EQ(again.dataset.n_users(), 2u);
    EXPECT_EQ(count_entries(cache_), 1u);
    EXPECT_TRUE(open_or_import(source_, cache_, {}).was_cached);
  }
  const std::filesystem::path entry = only_entry();
  std::filesystem::remove_all(entry);
  std::filesystem::create_directory(entry);
  EXPECT_FALSE(open_or_import(source_, cache_, {}).was_cached) << "an empty folder of that name";
  EXPECT_EQ(count_entries(cache_), 1u);
}

TEST_F(DatasetTest, AChangedByteOfACacheEntryIsFoundAndTheEntryMadeAnew) {
  write_file(source_, "user,item,rating,timestamp\na,x,4,5\na,y,1,6\nb,x,2,7\n");
  open_or_import(source_, cache_, {});
  for (const char* file : {"user.npy", "item.npy", "rating.npy", "time.npy", "user_ids.txt", "item_ids.txt"}) {
    const std::string good = read_file(only_entry() / file);
    for (const std::size_t at : {good.size() - 2, good.size() / 2}) {
      std::string bad = good;
      bad[at] ^= 1;
      write_file(only_entry() / file, bad);
      EXPECT_FALSE(open_or_import(source_, cache_, {}).was_cached) << file << " " << at;
      EXPECT_EQ(read_file(only_entry() / file), good) << file;
    }
  }
  EXPECT_TRUE(open_or_import(source_, cache_, {}).was_cached);
}

TEST_F(DatasetTest, AnEntryWithoutChecksumsIsMadeAnew) {
  open_or_import(source_, cache_, {});
  const std::filesystem::path description = only_entry() / "dataset.json";
  nlohmann::ordered_json json = nlohmann::ordered_json::parse(read_file(description));
  json.erase("file_xxh3_128");
  write_file(description, json.dump());
  EXPECT_FALSE(open_or_import(source_, cache_, {}).was_cached);
  EXPECT_TRUE(open_or_import(source_, cache_, {}).was_cached);
}

TEST_F(DatasetTest, ADataSetOfBeforeThereWereChecksumsOpens) {
  import_dataset(source_, set_, {});
  nlohmann::ordered_json json = nlohmann::ordered_json::parse(read_file(set_ / "dataset.json"));
  for (const char* key : {"file_xxh3_128", "file_bytes", "rejected_xxh3_128"}) json.erase(key);
  write_file(set_ / "dataset.json", json.dump());
  EXPECT_EQ(Dataset::open(set_).n_users(), 2u);
  EXPECT_THROW(Dataset::open(set_, Dataset::Check::kContents), DataError);
}

TEST_F(DatasetTest, ReplacesADataSetAndNothingElse) {
  import_dataset(source_, set_, {});
  EXPECT_THROW(import_dataset(source_, set_, {}), UsageError);
  ImportOptions options;
  options.overwrite = true;
  EXPECT_EQ(import_dataset(source_, set_, options).n_users(), 2u);
  write_file(set_ / "notes.txt", "mine");
  EXPECT_THROW(import_dataset(source_, set_, options), UsageError);
  EXPECT_EQ(read_file(set_ / "notes.txt"), "mine");
  std::filesystem::create_directory(folder_ / "photos");
  write_file(folder_ / "photos/cat", "cat");
  EXPECT_THROW(import_dataset(source_, folder_ / "photos", options), UsageError);
  EXPECT_THROW(import_dataset(source_, source_, options), UsageError);
}

TEST_F(DatasetTest, RejectedLinesOfTwoFilesOfOneNameAreBothKept) {
  write_file(source_, "user,item,rating\na,x,bad\na,y,1\n");
  ImportOptions options;
  options.on_error = OnError::kSkip;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder_.path());
  const std::string first = open_or_import(source_, cache_, options).dataset.report().rejected_file;
  EXPECT_TRUE(open_or_import(source_, cache_, options).was_cached);
  write_file(source_, "user,item,rating\na,x,worse\na,y,1\n");
  const std::string second = open_or_import(source_, cache_, options).dataset.report().rejected_file;
  EXPECT_EQ(read_file(first), "a,x,bad\n");
  EXPECT_EQ(read_file(second), "a,x,worse\n");
  // What was changed is not what the import wrote.
  write_file(second, "mine");
  EXPECT_FALSE(open_or_import(source_, cache_, options).was_cached);
  EXPECT_EQ(read_file(second), "mine");
  std::filesystem::current_path(before);
}

TEST_F(DatasetTest, TheCacheInTheTemporaryFolderIsTheUsersAlone) {
  const char* const names[] = {"UNFOLD_CACHE", "XDG_CACHE_HOME", "HOME", "TMPDIR"};
  std::vector<std::string> before;
  for (const char* name : names) {
    const char* old = std::getenv(name);
    before.emplace_back(old != nullptr ? old : "");
    setenv(name, "", 1);
  }
  setenv("TMPDIR", folder_.path().c_str(), 1);
  const std::filesystem::path cache = default_cache_directory();
  EXPECT_FALSE(open_or_import(source_, cache, {}).was_cached);
  using std::filesystem::perms;
  EXPECT_EQ(std::filesystem::status(cache).permissions(), perms::owner_all);
  std::filesystem::permissions(cache, perms::all);
  EXPECT_TRUE(open_or_import(source_, cache, {}).was_cached);
  EXPECT_EQ(std::filesystem::status(cache).permissions(), perms::owner_all);
  // A link could lead into a folder of anybody.
  std::filesystem::rename(cache, folder_ / "elsewhere");
  std::filesystem::create_directory_symlink(folder_ / "elsewhere", cache);
  EXPECT_THAT(data_error([&] { open_or_import(source_, cache, {}); }), HasSubstr("is not trusted"));
  for (std::size_t n = 0; n < 4; ++n) {
    before[n].empty() ? unsetenv(names[n]) : setenv(names[n], before[n].c_str(), 1);
  }
}

TEST_F(DatasetTest, ADataSetNeedsNoCache) {
  import_dataset(source_, set_, {});
  EXPECT_TRUE(open_or_import(set_, cache_, {}).was_cached);
  EXPECT_FALSE(std::filesystem::exists(cache_));
}

TEST_F(DatasetTest, FailedImportsLeaveNoCacheEntry) {
  write_file(source_, "user,item,rating\na,x,1\na,y,bad\n");
  EXPECT_THAT(data_error([&] { open_or_import(source_, cache_, {}); }), HasSubstr("ratings.csv:3:"));
  EXPECT_EQ(count_entries(cache_), 0u);
}

TEST_F(DatasetTest, RejectedLinesAreWrittenAgainWhereTheyAreGone) {
  write_file(source_, "user,item,rating\na,x,bad\na,y,1\n");
  ImportOptions options;
  options.on_error = OnError::kSkip;
  options.rejected_file = folder_ / "rejected";
  EXPECT_FALSE(open_or_import(source_, cache_, options).was_cached);
  EXPECT_TRUE(open_or_import(source_, cache_, options).was_cached);
  std::filesystem::remove(options.rejected_file);
  EXPECT_FALSE(open_or_import(source_, cache_, options).was_cached);
  EXPECT_EQ(read_file(options.rejected_file), "a,x,bad\n");
  EXPECT_EQ(count_entries(cache_), 1u);
}

TEST_F(DatasetTest, AFileThatChangesWhileItIsReadIsNotCached) {
  // Longer than what is read before the first report of progress.
  std::string text = "user,item,rating\n";
  for (int n = 0; n < 300'000; ++n) text += std::to_string(n % 1000) + "," + std::to_string(n / 1000) + ",3\n";
  write_file(source_, text);
  std::string other = text;
  other[other.size() - 2] = '4';
  int n_calls = 0;
  const auto rewrite = [&](std::uint64_t, std::uint64_t) {
    if (n_calls++ == 0) write_file(source_, other);
  };
  EXPECT_THAT(data_error([&] { open_or_import(source_, cache_, {}, rewrite); }),
              HasSubstr("ratings.csv: the file changed while it was read"));
  EXPECT_EQ(count_entries(cache_), 0u);
  EXPECT_GE(n_calls, 2);

  n_calls = 0;
  EXPECT_FALSE(open_or_import(source_, cache_, {}, rewrite).was_cached) << "written anew with the same bytes: no harm";
  EXPECT_TRUE(open_or_import(source_, cache_, {}).was_cached);
}

TEST_F(DatasetTest, ProcessesThatImportTheSameDoNotBreakEachOther) {
  std::string text;
  for (int n = 0; n < 20'000; ++n) text += std::to_string(n % 100) + "," + std::to_string(n / 100) + ",3\n";
  write_file(source_, text);
  std::vector<pid_t> children;
  for (int n = 0; n < 6; ++n) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      try {
        _exit(open_or_import(source_, cache_, {}).dataset.ratings().size() == 20'000 ? 0 : 1);
      } catch (...) {
        _exit(2);
      }
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
  EXPECT_EQ(count_entries(cache_), 1u);
  EXPECT_TRUE(open_or_import(source_, cache_, {}).was_cached);
}

TEST_F(DatasetTest, SaysWhatToDoAboutACacheThatCannotBeWritten) {
  write_file(cache_, "a file where the folder should be");
  const std::string error = data_error([&] { open_or_import(source_, cache_ / "unfold", {}); });
  EXPECT_THAT(error, HasSubstr(cache_.string()));
  EXPECT_THAT(error, HasSubstr("UNFOLD_CACHE or --cache"));
}

TEST_F(DatasetTest, DefaultCacheFollowsTheEnvironment) {
  const auto with = [](const char* cache, const char* xdg, const char* home) {
    const char* const names[] = {"UNFOLD_CACHE", "XDG_CACHE_HOME", "HOME"};
    const char* const values[] = {cache, xdg, home};
    std::vector<std::string> before;
    for (int n = 0; n < 3; ++n) {
      const char* old = std::getenv(names[n]);
      before.emplace_back(old != nullptr ? old : "");
      setenv(names[n], values[n], 1);
    }
    const std::filesystem::path result = default_cache_directory();
    for (int n = 0; n < 3; ++n) setenv(names[n], before[static_cast<std::size_t>(n)].c_str(), 1);
    return result;
  };
  EXPECT_EQ(with("/c", "/x", "/h"), "/c");
  EXPECT_EQ(with("", "/x", "/h"), "/x/unfold");
  EXPECT_EQ(with("", "", "/h"), "/h/.cache/unfold");
  EXPECT_EQ(with("", "", ""), std::filesystem::temp_directory_path() / ("unfold-cache-" + std::to_string(geteuid())));
}

}  // namespace
}  // namespace unfold
