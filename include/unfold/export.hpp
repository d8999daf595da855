// Embeddings for other tools.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "unfold/model.hpp"

namespace unfold {

struct ExportOptions {
  // Vectors get one more column: the bias of an item, 1 for a user. Then the inner product of a user's and an item's
  // vector is the score that recommend lists by, and no biases are written beside the vectors.
  bool append_bias = false;
  // tensorboard: the title of an item, UTF-8, empty where it has none. Absent: ids alone.
  std::function<std::string_view(Row)> item_title;
};

struct ExportFormat {
  std::string_view name;
  std::string_view note;  // what it is, in a few words, where the name does not say it
};
std::vector<ExportFormat> export_formats();

// npy          user_embedding.npy item_embedding.npy user_bias.npy item_bias.npy, user_ids.txt item_ids.txt
// safetensors  embeddings.safetensors with the model's tensors, user_ids.txt item_ids.txt
// faiss        items.faiss, a flat index of inner products over the items, and user_embedding.npy, the queries to it;
//              always with append_bias; user_ids.txt item_ids.txt
// word2vec     user_embedding.txt item_embedding.txt, text: "n dim", then "id v1 ... vdim" a line (white space, control
//              characters, % and bytes that are not UTF-8 are percent-encoded in ids, as the format has no quoting);
//              user_bias.txt item_bias.txt alike, dim 1
// tensorboard  item_embedding.tsv item_metadata.tsv, the users' likewise, and projector_config.pbtxt, which names them
// csv          users.csv items.csv: id,bias,f0,...,f(dim-1); RFC 4180 quoting
// Beside them export.json: the format, and length and checksum of each file. With overwrite, a folder is replaced that
// is as an export left it. Floats in text read back to the same bits. Written aside and renamed. Throws UsageError
// (format, existing target), DataError.
void export_model(const Model& model, const std::string& format, const std::filesystem::path& out, bool overwrite,
                  const ExportOptions& options = {});

}  // namespace unfold
