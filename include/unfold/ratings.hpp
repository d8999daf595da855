// Interactions in columns: user row, item row, rating, time. A view over memory that is owned elsewhere, an
// owner that maps column files, and a writer that streams rows to such files without holding them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "unfold/matrix_view.hpp"

namespace unfold {

// One interaction.
struct Rating {
  Row user = 0;
  Row item = 0;
  float rating = 1.0f;    // 1 where the input has no ratings
  std::int64_t time = 0;  // as in the input (Unix seconds as a rule); 0 where the input has no times
};

// Columns of equal length. Views stay valid as long as their owner.
struct RatingView {
  std::span<const Row> users;
  std::span<const Row> items;
  std::span<const float> ratings;
  std::span<const std::int64_t> times;  // empty where the input has no times

  std::uint64_t size() const { return users.size(); }
  bool has_times() const { return !times.empty(); }
  Rating operator[](std::uint64_t n) const { return {users[n], items[n], ratings[n], times.empty() ? 0 : times[n]}; }
  RatingView slice(std::uint64_t first, std::uint64_t count) const {
    return {users.subspan(first, count), items.subspan(first, count), ratings.subspan(first, count),
            times.empty() ? times : times.subspan(first, count)};
  }
};

class Folder;

// Owns mapped columns. Move-only. The files are NumPy arrays (user.npy, item.npy, rating.npy, time.npy), so
// numpy.load(..., mmap_mode="r") opens each of them; docs/formats.md describes them.
class Ratings {
 public:
  Ratings();
  Ratings(Ratings&&) noexcept;
  Ratings& operator=(Ratings&&) noexcept;
  ~Ratings();

  // Maps the columns in `directory`. Throws DataError when a file is missing, short, of another type, or when
  // lengths differ.
  static Ratings open(const std::filesystem::path& directory);
  static Ratings open(const Folder& folder);

  RatingView view() const;
  std::uint64_t size() const { return view().size(); }

 private:
  friend class RatingWriter;
  struct Columns;
  std::unique_ptr<Columns> columns_;
};

// Streams ratings to column files with a bounded buffer.
class RatingWriter {
 public:
  // Columns as files in `directory` (which exists): user.npy, item.npy, rating.npy and, with times, time.npy.
  static RatingWriter to_directory(const std::filesystem::path& directory, bool with_times);
  // Columns in files without a name under `directory` (the system's temporary folder where empty): the kernel
  // removes them when the last owner is gone, however the process ends.
  static RatingWriter temporary(bool with_times, const std::filesystem::path& directory = {});

  RatingWriter(RatingWriter&&) noexcept;
  RatingWriter& operator=(RatingWriter&&) noexcept;
  ~RatingWriter();

  void append(const Rating& rating);
  std::uint64_t size() const;
  // Writes headers, flushes, maps the columns and returns them. The writer is empty afterwards. Throws DataError
  // (path, errno text, bytes) when the disk is full.
  Ratings finish();

 private:
  struct State;
  explicit RatingWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace unfold
