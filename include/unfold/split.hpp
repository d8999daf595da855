// Parts of a data set, held out for validation and test.
#pragma once

#include <cstdint>
#include <string>

#include "unfold/random.hpp"
#include "unfold/ratings.hpp"
#include "unfold/seen_items.hpp"

namespace unfold {

enum class SplitKind { kNone, kRandom, kLeaveLast, kTime };

// none           nothing is held out
// random:F       each rating is held out with probability F, 0 < F < 1
// leave-last:N   the last N >= 1 ratings of each user, by time; a user with N or fewer keeps them all
// time:F         the last share F of all ratings by time, 0 < F < 1
// Ties in time are broken by a draw from the seed, so the result does not depend on the order of the file.
struct SplitSpec {
  SplitKind kind = SplitKind::kNone;
  double fraction = 0;
  std::uint64_t count = 0;

  // Throws UsageError naming the forms above.
  static SplitSpec parse(const std::string& text);
  // True where the text begins like one of the forms (so it is no file name).
  static bool looks_like(const std::string& text);
  std::string to_string() const;
};

struct SplitResult {
  Ratings kept;
  Ratings held_out;
};

// Deterministic in (ratings, spec, seed, purpose). Streams: memory grows with users, not with ratings. Throws
// UsageError where times are needed and absent, or where a part would be empty.
SplitResult split_ratings(const RatingView& ratings, std::uint32_t n_users, const SplitSpec& spec, std::uint64_t seed,
                          RandomPurpose purpose);

// Training and validation together: `train`, then what of `validation` has known rows and is not in `trained`, the
// lists of `train`.
Ratings join_parts(const RatingView& train, const RatingView& validation, const SeenItems& trained);

}  // namespace unfold
