// Data sets with a known answer.
#pragma once

#include <cstdint>
#include <filesystem>

namespace unfold {

// rating = clip(round(mean + b_u + b_i + p_u.q_i + noise * N(0,1))) with
//   b_u, b_i ~ N(0, bias_std^2), p_u, q_i ~ N(0, (signal_std^2 / dim)^(1/2)) each element, so that p_u.q_i has
//   standard deviation signal_std.
// Items are drawn with probability proportional to (rank + 1)^-skew, users likewise with user_skew; a pair occurs
// at most once. With groups > 1, user u and item i belong to group u % groups and i % groups, and only meet inside it;
// the factors of a group's users and items are drawn for them alone, so that its taste has rank dim of its own.
struct SyntheticOptions {
  std::uint32_t n_users = 2000;
  std::uint32_t n_items = 1000;
  std::uint64_t n_ratings = 100000;
  std::uint32_t dim = 8;     // planted dimension
  double noise = 0.5;        // standard deviation of the noise, in rating units: the best possible RMSE before rounding
  double signal_std = 0.7;   // standard deviation of p_u.q_i, in rating units
  double bias_std = 0.4;     // standard deviation of each bias, in rating units
  double mean = 3.5;         // rating units
  double skew = 0.8;         // popularity exponent of items, >= 0; 0 is uniform
  double user_skew = 0.5;    // activity exponent of users, >= 0
  std::uint32_t groups = 1;  // disjoint groups, >= 1
  double rating_min = 0, rating_max = 0;  // clipped to this range where min < max
  double rating_step = 0;                 // rounded to multiples of this where > 0
  bool implicit = false;                  // write pairs without a rating
  std::uint64_t seed = 1;
  bool overwrite = false;           // replace files of the outputs' names
  std::filesystem::path items_out;  // the items' groups as a table of tab-separated item and group; empty: as below
};

struct SyntheticReport {
  std::uint64_t n_ratings = 0;
  std::uint32_t n_users_seen = 0, n_items_seen = 0;
  double best_rmse = 0;  // RMSE of the planted model on the written ratings
  double best_mae = 0;
};

// Writes FILE (CSV with header user,item,rating; groups: FILE's stem + ".users.csv" and ".items.csv" with id,group, the
// latter not where items_out is given), written aside and renamed; without options.overwrite none of them may be there.
// Row order is random. Deterministic in the options. Throws UsageError, DataError.
SyntheticReport write_synthetic(const std::filesystem::path& file, const SyntheticOptions& options);

}  // namespace unfold
