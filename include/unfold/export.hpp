// Embeddings for other tools.
#pragma once

#include <filesystem>
#include <string>

#include "unfold/model.hpp"

namespace unfold {

// npy          user_embedding.npy item_embedding.npy user_bias.npy item_bias.npy, user_ids.txt item_ids.txt
// safetensors  embeddings.safetensors with the model's tensors, user_ids.txt item_ids.txt
// word2vec     user_embedding.txt item_embedding.txt, text: "n dim", then "id v1 ... vdim" a line (white space
//              and % in ids are percent-encoded, as the format has no quoting); user_bias.txt item_bias.txt alike, dim
//              1
// csv          users.csv items.csv: id,bias,f0,...,f(dim-1); RFC 4180 quoting
// Beside them export.json: the format, and length and checksum of each file. With overwrite, a folder is replaced that
// is as an export left it. Floats in text read back to the same bits. Written aside and renamed. Throws UsageError
// (format, existing target), DataError.
void export_model(const Model& model, const std::string& format, const std::filesystem::path& out, bool overwrite);

}  // namespace unfold
