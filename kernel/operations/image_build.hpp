// SPDX-License-Identifier: Apache-2.0
// `castra image build NAME`: runs the recipe <share>/images/NAME/build into the image store, unless what is there has
// the recipe's key already. The recipe replaces the folder whole, so a half-built image is never seen.
#pragma once
#include "operations/workshop.hpp"

#include <functional>

namespace castra {

struct ImageBuilt {
    std::string name, key;
    std::filesystem::path folder;
    bool changed = false; // false: it was there already
};

struct RecipeWish {
    std::string name;
    bool force = false;
    std::function<void(const std::string& text)> say; // to people, before a wait for somebody else's build
};

// The recipe's progress goes to stderr as it comes. A recipe holds the image's lock by itself: where castra is killed
// it goes on, and the next build waits for it and takes what it made. Errors: not_found (no such recipe, naming those
// there are), preflight (the machine lacks a package), io, cancelled.
Task<Result<ImageBuilt>> build_image(Workshop& workshop, RecipeWish wish, std::shared_ptr<Gate> cancel);

} // namespace castra
