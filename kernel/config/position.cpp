// SPDX-License-Identifier: Apache-2.0
#include "config/position.hpp"

namespace castra {

Position nearest_position(const Positions& positions, std::string pointer) {
    while (true) {
        if (const auto found = positions.find(pointer); found != positions.end()) return found->second;
        const auto slash = pointer.rfind('/');
        if (slash == std::string::npos) return {};
        pointer.resize(slash);
    }
}

} // namespace castra
