// A trained model is put somewhere, whatever has become of the place it was meant for.
#pragma once

#include <filesystem>
#include <string>

#include "unfold/model.hpp"

namespace unfold::cli {

struct KeptModel {
  SavedModel saved;
  std::filesystem::path path;
  std::string trouble;  // why `path` is not where the model was meant to go; empty where it is
};

// Saves the model as `wanted`. Where that cannot be (a full disk, a name that another run has taken, a folder that is
// gone), under the next free name beside it, else in the working folder, in $HOME, or in the folder for temporary
// files. Throws DataError, with all reasons, where none of them takes it.
KeptModel keep_model(const Model& model, const std::filesystem::path& wanted, bool overwrite);

}  // namespace unfold::cli
