#include "unfold/embedding_map.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

#include "host/io/file.hpp"
#include "host/io/staged.hpp"
#include "host/map/principal_axes.hpp"
#include "host/map/svg.hpp"
#include "host/store/product_tensors.hpp"
#include "unfold/error.hpp"
#include "unfold/random.hpp"

namespace unfold {
namespace {

constexpr std::uint64_t kOrderSeed = 0x6f72646572;
constexpr std::size_t kMaxLegend = 12;  // groups
constexpr double kPlot = 640;           // pixels, width and height
constexpr double kLeft = 44, kTop = 104, kBottom = 40, kRight = 16, kLegendWidth = 190;

// Rows in the order they are drawn, which is random so that no group always lies on top; cut to the first `max_points`,
// a sample. The same each time.
std::vector<Row> draw_order(std::uint64_t n_rows, std::uint64_t max_points) {
  std::vector<std::pair<std::uint64_t, Row>> keys(n_rows);
  for (std::uint64_t row = 0; row < n_rows; ++row) {
    const RandomBlock bits = philox(kOrderSeed, row, 0);
    keys[row] = {std::uint64_t{bits.v[0]} << 32 | bits.v[1], static_cast<Row>(row)};
  }
  std::sort(keys.begin(), keys.end());
  keys.resize(std::min(n_rows, max_points));
  std::vector<Row> order;
  for (const auto& [key, row] : keys) order.push_back(row);
  return order;
}

void check_finite(const Tensor& rows, const IdMap& ids, std::string_view what) {
  const auto bad = std::find_if(rows.data.begin(), rows.data.end(), [](float x) { return !std::isfinite(x); });
  if (bad == rows.data.end()) return;
  const auto row = static_cast<Row>(static_cast<std::uint64_t>(bad - rows.data.begin()) / rows.cols());
  throw DataError(
      fmt::format("the embedding of {} \"{}\" holds {}, which has no place on a map; train the model again "
                  "with a lower learning rate",
                  what, ids.id(row), *bad));
}

// The group that all training items with a group share, or kNoGroup.
std::uint32_t group_of_user(const SeenItems& seen, const ItemGroups& groups, Row user) {
  if (seen.offsets.empty()) return kNoGroup;
  std::uint32_t found = kNoGroup;
  for (std::uint64_t n = seen.offsets[user]; n < seen.offsets[user + std::uint64_t{1}]; ++n) {
    const std::uint32_t group = groups.of_item[seen.items[n]];
    if (group == kNoGroup || group == found) continue;
    if (found != kNoGroup) return kNoGroup;
    found = group;
  }
  return found;
}

struct Point {
  double x, y;
  std::uint32_t group;
  std::string label;
};

// The least square that holds all points, with the origin in it, as a scale to pixels.
class Frame {
 public:
  void include(const std::vector<Point>& points) {
    for (const Point& point : points) {
      low_x_ = std::min(low_x_, point.x);
      high_x_ = std::max(high_x_, point.x);
      low_y_ = std::min(low_y_, point.y);
      high_y_ = std::max(high_y_, point.y);
    }
  }
  double x(double value) const { return kLeft + kPlot / 2 + (value - (low_x_ + high_x_) / 2) * scale(); }
  double y(double value) const { return kTop + kPlot / 2 - (value - (low_y_ + high_y_) / 2) * scale(); }

 private:
  double scale() const {
    const double side = std::max(high_x_ - low_x_, high_y_ - low_y_);
    return side > 0 ? 0.94 * kPlot / side : 1;
  }
  double low_x_ = 0, high_x_ = 0, low_y_ = 0, high_y_ = 0;
};

class Picture {
 public:
  Picture(const Model& model, const ItemGroups* groups, const EmbeddingMapOptions& options)
      : model_(model), groups_(groups), options_(options), axes_(principal_axes(item_embedding(model), 2)) {
    const Tensor& items = item_embedding(model);
    for (const Row item : draw_order(items.rows(), options.max_points)) {
      items_.push_back(place(items, item, true, groups == nullptr ? kNoGroup : groups->of_item[item], model.item_ids));
    }
    if (options.users) {
      check_product_tensors(model);
      const Tensor& users = user_embedding(model);
      for (const Row user : draw_order(users.rows(), options.max_points)) {
        const std::uint32_t group = groups == nullptr ? kNoGroup : group_of_user(model.seen, *groups, user);
        users_.push_back(place(users, user, false, group, model.user_ids));
      }
    }
    frame_.include(items_);
    frame_.include(users_);
  }

  EmbeddingMapReport report() const { return {items_.size(), users_.size(), {axes_.share[0], axes_.share[1]}}; }

  std::string draw() {
    const double width = kLeft + kPlot + kRight + (has_legend() ? kLegendWidth : 0);
    const std::string title = xml_text(options_.title);
    add("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
        "role=\"img\">\n",
        width, kTop + kPlot + kBottom);
    add("<title>{}</title>\n<style>\n{}</style>\n", title, style_sheet());
    add("<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
    add("<text class=\"title\" x=\"{}\" y=\"28\">{}</text>\n", kLeft, title);
    add("<text x=\"{}\" y=\"50\">{}</text>\n", kLeft, what_is_drawn());
    add("<text x=\"{}\" y=\"70\">{}</text>\n", kLeft, how_it_is_drawn());
    if (groups_ != nullptr) add("<text x=\"{}\" y=\"90\">{}</text>\n", kLeft, what_marks_mean());
    draw_axes();
    draw_points();
    if (has_legend()) draw_legend();
    add("</svg>\n");
    return std::move(out_);
  }

 private:
  template <typename... Values>
  void add(fmt::format_string<Values...> format, Values&&... values) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Values>(values)...);
  }

  Point place(const Tensor& rows, Row row, bool centred, std::uint32_t group, const IdMap& ids) const {
    const float* const embedding = rows.row(row).data();
    return {axes_.project(embedding, 0, centred), axes_.project(embedding, 1, centred), group,
            std::string(ids.id(row))};
  }

  bool has_legend() const { return groups_ != nullptr && groups_->names.size() <= kMaxLegend; }

  static std::string count(std::uint64_t n_drawn, std::uint64_t n, std::string_view what) {
    if (n_drawn == n) return fmt::format("{} {}", n, what);
    return fmt::format("a random sample of {} of {} {}", n_drawn, n, what);
  }
  std::string what_is_drawn() const {
    std::string text = count(items_.size(), item_embedding(model_).rows(), "items");
    if (options_.users)
      text += " (circles) and " + count(users_.size(), user_embedding(model_).rows(), "users (crosses)");
    return text;
  }
  std::string what_marks_mean() const {
    const std::size_t n = groups_->names.size();
    return fmt::format("marks: {}, {} of them{}", xml_text(options_.group_label), n,
                       n > kNMarks ? ", so marks repeat" : "");
  }
  std::string how_it_is_drawn() const {
    return fmt::format("the items' two leading principal components of {}, {:.1f}% of their variance",
                       item_embedding(model_).cols(), 100 * (axes_.share[0] + axes_.share[1]));
  }

  void draw_axes() {
    add("<rect class=\"frame\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>\n", kLeft, kTop, kPlot, kPlot);
    add("<path class=\"zero\" d=\"M{:.2f} {}v{}M{} {:.2f}h{}\"/>\n", frame_.x(0), kTop, kPlot, kLeft, frame_.y(0),
        kPlot);
    add("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">component 1: {:.1f}%</text>\n", kLeft + kPlot / 2,
        kTop + kPlot + 24, 100 * axes_.share[0]);
    add("<text text-anchor=\"middle\" transform=\"translate({} {}) rotate(-90)\">component 2: {:.1f}%</text>\n",
        kLeft - 16, kTop + kPlot / 2, 100 * axes_.share[1]);
  }

  std::string name_of(std::uint32_t group) const { return group == kNoGroup ? "" : groups_->names[group]; }

  void draw_points() {
    const double radius = items_.size() <= 1000 ? 3.5 : items_.size() <= 5000 ? 2.5 : 1.6;
    const auto label = [&](const Point& point) {
      const std::string group = name_of(point.group);
      return xml_text(point.label + (group.empty() ? "" : fmt::format(" ({} {})", options_.group_label, group)));
    };
    add("<g id=\"users\">\n");
    for (const Point& point : users_) {
      add("<path class=\"{0}\" d=\"M{1:.2f} {2:.2f}l{3} {3}m0 -{3}l-{3} {3}\"><title>{4}</title></path>\n",
          mark_class(point.group), frame_.x(point.x) - radius, frame_.y(point.y) - radius, 2 * radius, label(point));
    }
    add("</g>\n<g id=\"items\">\n");
    for (const Point& point : items_) {
      add("<circle class=\"{}\" cx=\"{:.2f}\" cy=\"{:.2f}\" r=\"{}\"><title>{}</title></circle>\n",
          mark_class(point.group), frame_.x(point.x), frame_.y(point.y), radius, label(point));
    }
    add("</g>\n");
  }

  void draw_legend() {
    const double x = kLeft + kPlot + 18;
    double y = kTop + 14;
    add("<g id=\"legend\">\n<text x=\"{}\" y=\"{}\">{}</text>\n", x, y, xml_text(shortened(options_.group_label, 24)));
    const auto entry = [&](std::uint32_t group, const std::string& name) {
      y += 22;
      add("<circle class=\"{}\" cx=\"{}\" cy=\"{}\" r=\"5\"/><text x=\"{}\" y=\"{}\">{}</text>\n", mark_class(group),
          x + 6, y - 4.5, x + 20, y, xml_text(shortened(name, 22)));
    };
    for (std::uint32_t group = 0; group < groups_->names.size(); ++group) entry(group, groups_->names[group]);
    if (groups_->n_without() > 0) entry(kNoMark, "none");
    add("</g>\n");
  }

  const Model& model_;
  const ItemGroups* groups_;
  const EmbeddingMapOptions& options_;
  PrincipalAxes axes_;
  std::vector<Point> items_, users_;
  Frame frame_;
  std::string out_;
};

static_assert(kNoMark == kNoGroup, "an item without a group has no mark of its own");

}  // namespace

EmbeddingMapReport write_embedding_map(const Model& model, const ItemGroups* groups, const EmbeddingMapOptions& options,
                                       const std::filesystem::path& file) {
  const Tensor& items = item_embedding(model);
  if (groups != nullptr && groups->of_item.size() != items.rows()) {
    throw UsageError(
        fmt::format("map: groups of {} items are given for a model of {} items", groups->of_item.size(), items.rows()));
  }
  // Staged first: a folder that cannot be written is found before the work.
  StagedFile staged(file, options.overwrite ? Existing::kReplace : Existing::kRefuse);
  check_finite(items, model.item_ids, "item");
  if (options.users) check_finite(user_embedding(model), model.user_ids, "user");
  Picture picture(model, groups, options);
  write_whole_file(staged.path(), picture.draw());
  staged.commit();
  return picture.report();
}

}  // namespace unfold
