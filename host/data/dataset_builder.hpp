// The steps of an import, in the order they are called.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "host/data/interaction_reader.hpp"
#include "host/data/rating_spill.hpp"
#include "unfold/dataset.hpp"

namespace unfold {

// Writes the files of a data set into a directory that exists. What it leaves there after an exception is for the
// caller to remove.
class DatasetBuilder {
 public:
  DatasetBuilder(const std::vector<std::filesystem::path>& sources, const std::filesystem::path& directory,
                 const ImportOptions& options, const ImportProgress& progress);
  // Everything, from the source to dataset.json.
  void build();
  // After build(): of the source's bytes, as they were read.
  ContentHash source_hash() const { return reader_.hash(); }
  // After the directory is in place: until then, the file of rejected lines goes with the builder.
  void keep_rejected() { reader_.keep_rejected(); }

 private:
  // Until rows are ordered, a row is the order of first appearance.
  struct Side {
    IdMap ids;
    Row last_row = kNoRow;              // of the rating read last
    std::vector<std::uint64_t> counts;  // ratings kept of each row
    std::vector<Row> new_rows;          // [old row]; kNoRow for those with none
    std::uint32_t n_kept = 0;
  };

  void read_source();
  Row row_of(Side& side, std::string_view id, Role role);
  void drop_duplicates();
  void drop_below_minimum();
  void order_rows(Side& side, const char* file);
  void write_shuffled();
  RatingSpill new_spill() const;

  std::filesystem::path directory_;
  ImportOptions options_;
  InteractionReader reader_;
  ImportReport report_;
  Side users_, items_;
  RatingSpill ratings_;
};

}  // namespace unfold
