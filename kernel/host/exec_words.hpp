// SPDX-License-Identifier: Apache-2.0
// Words as exec() wants them: pointers into `texts`, which must outlive them, and a null pointer at the end.
#pragma once
#include <string>
#include <vector>

namespace castra {

inline std::vector<char*> exec_words(const std::vector<std::string>& texts) {
    std::vector<char*> out;
    out.reserve(texts.size() + 1);
    for (const auto& text : texts)
        out.push_back(const_cast<char*>(text.c_str()));
    out.push_back(nullptr);
    return out;
}

} // namespace castra
