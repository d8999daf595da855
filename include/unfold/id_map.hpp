// External ids (any bytes but a line feed and NUL) to dense rows and back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "unfold/matrix_view.hpp"

namespace unfold {

class IdMap {
 public:
  IdMap();
  IdMap(IdMap&&) noexcept;
  IdMap& operator=(IdMap&&) noexcept;
  ~IdMap();

  // Reads one id a line, in row order. Throws DataError for a missing file, an empty id, a repeated id.
  static IdMap read(const std::filesystem::path& file);
  // The same of a text; `name` stands for it in messages.
  static IdMap parse(std::string_view text, const std::filesystem::path& name);
  // Writes one id a line, in row order. Throws DataError.
  void write(const std::filesystem::path& file) const;

  // 0 also of a map that was moved from.
  std::uint32_t size() const;
  // The id of a row; row < size(). Valid as long as the map.
  std::string_view id(Row row) const;
  // The row of an id, or kNoRow.
  Row find(std::string_view id) const;
  // The row of an id, added as the last row if new. Throws DataError when the map holds max_size() ids.
  Row find_or_add(std::string_view id);

  // A map whose row r is this map's row `order[r]`.
  IdMap reordered(const std::vector<Row>& order) const;

  // Rows are 32-bit and the last value means unknown, so a map holds at most 2^32 - 1 ids. Lower for tests.
  std::uint64_t max_size() const;
  void set_max_size(std::uint64_t n);
  std::uint64_t memory_bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace unfold
