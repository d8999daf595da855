#include "host/train/positives.hpp"

#include <fmt/format.h>

#include "unfold/error.hpp"

namespace unfold {

Positives::Positives(const std::optional<float>& floor, const RatingView& train) : floor_(floor), view_(train) {
  if (!floor_) return;
  RatingWriter writer = RatingWriter::temporary(false);
  for (std::uint64_t n = 0; n < train.size(); ++n) {
    if (train.ratings[n] >= *floor_) writer.append(train[n]);
  }
  kept_ = writer.finish();
  if (kept_.size() == 0) {
    throw DataError(
        fmt::format("none of the {} training ratings is {} or more, so there are no positives; lower --positive-from",
                    train.size(), *floor_));
  }
  view_ = kept_.view();
}

}  // namespace unfold
