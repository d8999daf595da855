// What a model must be to be scored with.
#include "unfold/model_scorer.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "tests/support/small_model.hpp"
#include "tests/support/test_support.hpp"
#include "unfold/embedding_map.hpp"
#include "unfold/error.hpp"
#include "unfold/export.hpp"
#include "unfold/query.hpp"

namespace unfold {
namespace {

std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const DataError& error) {
    return error.what();
  }
  return "(nothing thrown)";
}

void expect_words(const std::string& message, const std::string& words) {
  EXPECT_NE(message.find(words), std::string::npos) << message;
}

// Refused when it is opened, with the directory's name, and when a scorer is made of it; written and read as it is.
void expect_refused(const Model& model, const std::string& words) {
  const test::TempDirectory directory;
  save_model(model, directory / "m", false);
  load_model(directory / "m");
  const std::string opened = message_of([&] { open_model(directory / "m"); });
  expect_words(opened, words);
  expect_words(opened, (directory / "m").string() + ": ");
  const auto backend = make_cpu_backend(1);
  expect_words(message_of([&] { make_scorer(*backend, model); }), words);
}

TEST(ModelScorer, UnknownKindsAreRefused) {
  Model model = test::small_model();
  model.kind = "of-tomorrow";
  expect_refused(model, "the model's kind is \"of-tomorrow\"; this program knows mf");
}

TEST(ModelScorer, MissingTensorsAreNamed) {
  Model model = test::small_model();
  model.tensors = {};
  model.tensors["user.embedding"] = Tensor::zeros({5, 3});
  expect_refused(model,
                 "kind \"mf\", has no vector for each item: there is no tensor \"item.embedding\", but user.embe");
  model.tensors = {};
  expect_refused(model, "has no vector for each user: there is no tensor \"user.embedding\", and no other");
}

TEST(ModelScorer, ShapesThatDoNotFitAreNamed) {
  const struct {
    const char* name;
    std::vector<std::uint64_t> shape;
    const char* words;
  } cases[] = {{"user.embedding", {6, 3}, "tensor \"user.embedding\" has shape [6, 3], not [5, 3]"},
               {"item.embedding", {3, 3}, "tensor \"item.embedding\" has shape [3, 3], not [4, 3]"},
               {"item.embedding", {4, 2}, "tensor \"item.embedding\" has shape [4, 2], not [4, 3]"},
               {"item.embedding", {4, 3, 1}, "tensor \"item.embedding\" has shape [4, 3, 1], not [4, 1 to 1024]"},
               {"item.embedding", {4, 0}, "tensor \"item.embedding\" has shape [4, 0], not [4, 1 to 1024]"},
               {"user.embedding", {5, 1025}, "tensor \"user.embedding\" has shape [5, 1025], not [5, 1 to 1024]"},
               {"user.embedding", {}, "tensor \"user.embedding\" has shape [], not [5, 1 to 1024]"},
               {"user.bias", {4}, "tensor \"user.bias\" has shape [4], not [5]"},
               {"item.bias", {4, 1}, "tensor \"item.bias\" has shape [4, 1], not [4]"},
               {"global.bias", {}, "tensor \"global.bias\" has shape [], not [1]"}};
  for (const auto& [name, shape, words] : cases) {
    Model model = test::small_model();
    model.tensors[name] = Tensor::zeros(shape);
    expect_refused(model, words);
  }
}

TEST(ModelScorer, BiasesMayBeAbsent) {
  const auto backend = make_cpu_backend(1);
  Model zeros = test::small_model(), none = test::small_model();
  none.tensors = {};
  for (const char* name : {"user.embedding", "item.embedding"}) {
    Tensor& table = zeros.tensors.at(name);
    for (std::size_t n = 0; n < table.data.size(); ++n) table.data[n] = static_cast<float>(n % 5) - 2;
    none.tensors[name] = table;
  }
  for (const char* name : {"user.bias", "item.bias", "global.bias"}) {
    zeros.tensors.at(name) = Tensor::zeros(zeros.tensors.at(name).shape);
  }
  const std::vector<Row> users = {0, 3, 4}, items = {2, 0, 3};
  const auto ratings = [&](const Model& model) {
    const std::unique_ptr<Scorer> scorer = make_scorer(*backend, model);
    std::vector<float> out(6);
    scorer->predict_ratings(users.data(), items.data(), 3, out.data());
    scorer->score_pairs(users.data(), items.data(), 3, out.data() + 3);
    return out;
  };
  EXPECT_EQ(ratings(none), ratings(zeros));
}

// What asks for vectors alone says so of a model that has none, whatever its kind.
TEST(ModelScorer, QueriesMapsAndExportsNameWhatTheyLack) {
  const test::TempDirectory directory;
  const auto backend = make_cpu_backend(1);
  Model model = test::small_model();
  model.kind = "encoder";
  model.tensors = {};
  model.tensors["decoder.weight"] = Tensor::zeros({4, 3});
  const std::string words = "of kind \"encoder\", has no vector for each ";
  const std::vector<Row> rows = {0};
  expect_words(message_of([&] { find_neighbors(*backend, model, rows, {}, [](std::uint64_t, auto) {}); }),
               words + "item");
  expect_words(message_of([&] { has_direction(model, 0); }), words + "item");
  expect_words(message_of([&] { write_embedding_map(model, nullptr, {}, directory / "map.svg"); }), words + "item");
  for (const char* format : {"npy", "faiss", "word2vec", "tensorboard", "csv"}) {
    expect_words(message_of([&] { export_model(model, format, directory / "out", false); }), words + "user");
  }
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
  export_model(model, "safetensors", directory / "out", false);
  model.tensors["item.embedding"] = Tensor::zeros({4, 3});
  write_embedding_map(model, nullptr, {}, directory / "map.svg");
}

}  // namespace
}  // namespace unfold
