// SPDX-License-Identifier: Apache-2.0
// `castra image build NAME`: runs the recipe <share>/images/NAME/build into the image store, unless what is there has
// the recipe's key already. The recipe replaces the folder whole, so a half-built image is never seen.
#pragma once
#include "operations/workshop.hpp"

namespace castra {

struct ImageBuilt {
    std::string name, key;
    std::filesystem::path folder;
    bool changed = false; // false: it was there already
};

// The recipe's progress goes to stderr as it comes. Errors: not_found (no such recipe, naming those there are),
// preflight (the machine lacks a package), io, cancelled.
Task<Result<ImageBuilt>> build_image(Workshop& workshop, std::string name, bool force, std::shared_ptr<Gate> cancel);

} // namespace castra
