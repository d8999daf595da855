#include "unfold/ratings.hpp"

#include <fmt/format.h>

#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "host/io/file.hpp"
#include "host/io/folder.hpp"
#include "host/io/npy.hpp"
#include "unfold/error.hpp"

namespace unfold {

struct Ratings::Columns {
  MappedFile users, items, ratings, times;
  RatingView view;

  // Reads the views from the maps. Throws DataError where they do not fit each other.
  void check(bool with_times) {
    view.users = npy_column<Row>(users);
    view.items = npy_column<Row>(items);
    view.ratings = npy_column<float>(ratings);
    check_length(items, view.items.size());
    check_length(ratings, view.ratings.size());
    if (!with_times) return;
    view.times = npy_column<std::int64_t>(times);
    check_length(times, view.times.size());
  }

 private:
  void check_length(const MappedFile& column, std::uint64_t length) const {
    if (length == view.users.size()) return;
    throw DataError(fmt::format("{}: holds {} values, but {} holds {}; import the data set again",
                                column.name().string(), length, users.name().string(), view.users.size()));
  }
};

Ratings::Ratings() = default;
Ratings::Ratings(Ratings&&) noexcept = default;
Ratings& Ratings::operator=(Ratings&&) noexcept = default;
Ratings::~Ratings() = default;

RatingView Ratings::view() const { return columns_ ? columns_->view : RatingView(); }

Ratings Ratings::open(const std::filesystem::path& directory) { return open(Folder::open(directory)); }

Ratings Ratings::open(const Folder& folder) {
  auto columns = std::make_unique<Columns>();
  columns->users = folder.map("user.npy");
  columns->items = folder.map("item.npy");
  columns->ratings = folder.map("rating.npy");
  const bool with_times = folder.has("time.npy");
  if (with_times) columns->times = folder.map("time.npy");
  columns->check(with_times);
  Ratings opened;
  opened.columns_ = std::move(columns);
  return opened;
}

struct RatingWriter::State {
  FileWriter users, items, ratings;
  std::optional<FileWriter> times;
  bool has_names;
  std::uint64_t size = 0;

  State(FileWriter user_file, FileWriter item_file, FileWriter rating_file, std::optional<FileWriter> time_file,
        bool named)
      : users(std::move(user_file)),
        items(std::move(item_file)),
        ratings(std::move(rating_file)),
        times(std::move(time_file)),
        has_names(named) {
    // The number of rows is known at the end; until then the headers hold their place.
    const std::string place(kNpyHeaderBytes, ' ');
    users.write(place);
    items.write(place);
    ratings.write(place);
    if (times) times->write(place);
  }

  template <typename T>
  MappedFile finish_column(FileWriter& column) {
    const std::uint64_t shape[] = {size};
    const std::string header = npy_header(npy_type<T>(), shape);
    column.write_at(0, header.data(), header.size());
    const std::filesystem::path name = column.name();
    if (!has_names) return MappedFile::map(column.release(), name);
    column.close();
    return MappedFile::open(name);
  }
};

RatingWriter::RatingWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
RatingWriter::RatingWriter(RatingWriter&&) noexcept = default;
RatingWriter& RatingWriter::operator=(RatingWriter&&) noexcept = default;
RatingWriter::~RatingWriter() = default;

RatingWriter RatingWriter::to_directory(const std::filesystem::path& directory, bool with_times) {
  const auto create = [&](const char* name) { return FileWriter::create(directory / name); };
  return RatingWriter(std::make_unique<State>(create("user.npy"), create("item.npy"), create("rating.npy"),
                                              with_times ? std::optional<FileWriter>(create("time.npy")) : std::nullopt,
                                              true));
}

RatingWriter RatingWriter::temporary(bool with_times, const std::filesystem::path& directory) {
  std::filesystem::path folder = directory;
  if (folder.empty()) {
    std::error_code error;
    folder = std::filesystem::temp_directory_path(error);
    if (error) {
      throw DataError(
          fmt::format("the temporary folder cannot be used: {}; set TMPDIR to one with space", error.message()));
    }
  }
  const auto create = [&] { return FileWriter::unnamed(folder); };
  return RatingWriter(std::make_unique<State>(create(), create(), create(),
                                              with_times ? std::optional<FileWriter>(create()) : std::nullopt, false));
}

void RatingWriter::append(const Rating& rating) {
  if (!state_) throw std::logic_error("RatingWriter::append after finish");
  state_->users.put(rating.user);
  state_->items.put(rating.item);
  state_->ratings.put(rating.rating);
  if (state_->times) state_->times->put(rating.time);
  ++state_->size;
}

std::uint64_t RatingWriter::size() const { return state_ ? state_->size : 0; }

Ratings RatingWriter::finish() {
  if (!state_) return {};
  const std::unique_ptr<State> state = std::move(state_);
  auto columns = std::make_unique<Ratings::Columns>();
  columns->users = state->finish_column<Row>(state->users);
  columns->items = state->finish_column<Row>(state->items);
  columns->ratings = state->finish_column<float>(state->ratings);
  if (state->times) columns->times = state->finish_column<std::int64_t>(*state->times);
  columns->check(state->times.has_value());
  Ratings finished;
  finished.columns_ = std::move(columns);
  return finished;
}

}  // namespace unfold
