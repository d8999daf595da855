// Ratings on their way through an import, in partitions: in memory up to a bound, beyond it in a file without a name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "host/io/file.hpp"
#include "unfold/ratings.hpp"

namespace unfold {

class RatingSpill {
 public:
  // `memory_bytes` bounds the buffers of all partitions together (but each has at least 1 KiB). The file, when one
  // is needed, lies in `directory`.
  RatingSpill(std::uint64_t n_partitions, bool with_times, std::uint64_t memory_bytes, std::filesystem::path directory);

  std::uint64_t n_partitions() const { return partitions_.size(); }
  std::uint64_t size() const { return size_; }
  std::uint64_t size(std::uint64_t partition) const;
  bool with_times() const { return record_bytes_ == kRecordBytes + sizeof(std::int64_t); }

  // Not after for_each.
  void append(std::uint64_t partition, const Rating& rating) {
    Partition& target = partitions_[partition];
    if (target.used + record_bytes_ > target.capacity) make_room(target);
    std::byte* out = target.buffer.get() + target.used;
    std::memcpy(out, &rating, kRecordBytes);
    if (with_times()) std::memcpy(out + kRecordBytes, &rating.time, sizeof rating.time);
    target.used += record_bytes_;
    ++size_;
  }

  // Calls visit(rating) for the ratings of a partition in the order they came.
  template <typename Visit>
  void for_each(std::uint64_t partition, Visit&& visit) {
    Partition& source = partitions_[partition];
    for (const std::uint64_t offset : source.chunks) {
      for (std::uint64_t done = 0; done < chunk_bytes_;) {
        const std::span<const std::byte> piece = read_back(offset + done, chunk_bytes_ - done);
        visit_records(piece, visit);
        done += piece.size();
      }
    }
    visit_records({source.buffer.get(), source.used}, visit);
  }
  // Frees the memory of a partition; nothing can be read from it afterwards.
  void drop(std::uint64_t partition);

 private:
  static constexpr std::size_t kRecordBytes = 12;  // user, item, rating
  struct Partition {
    std::unique_ptr<std::byte[]> buffer;  // [capacity], made when needed
    std::size_t capacity = 0;             // bytes: those of small data, then chunk_bytes_
    std::size_t used = 0;                 // bytes
    std::vector<std::uint64_t> chunks;    // offsets in the file, chunk_bytes_ each
  };

  void make_room(Partition& partition);
  // At least one whole record from the file; valid until the next call.
  std::span<const std::byte> read_back(std::uint64_t offset, std::uint64_t bytes);

  template <typename Visit>
  void visit_records(std::span<const std::byte> bytes, Visit& visit) const {
    Rating rating;
    for (std::size_t n = 0; n < bytes.size(); n += record_bytes_) {
      const std::byte* record = bytes.data() + n;
      std::memcpy(&rating.user, record, sizeof rating.user);
      std::memcpy(&rating.item, record + 4, sizeof rating.item);
      std::memcpy(&rating.rating, record + 8, sizeof rating.rating);
      if (with_times()) std::memcpy(&rating.time, record + kRecordBytes, sizeof rating.time);
      visit(static_cast<const Rating&>(rating));
    }
  }

  std::size_t record_bytes_;
  std::size_t chunk_bytes_;  // a multiple of record_bytes_
  std::filesystem::path directory_;
  std::vector<Partition> partitions_;
  std::uint64_t size_ = 0;
  std::optional<FileWriter> writer_;
  FileDescriptor file_;  // once writing has ended
  std::unique_ptr<std::byte[]> read_buffer_;
};

}  // namespace unfold
