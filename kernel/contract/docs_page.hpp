// SPDX-License-Identifier: Apache-2.0
// docs/EVENTS.md, whole: fixed prose (docs_prose.hpp) and tables made from the registry, the rules and the severities.
// A test holds the committed page against it, byte for byte.
#pragma once
#include "contract/registry.hpp"

namespace castra::contract {

std::string docs_page(const Registry& of = registry());

} // namespace castra::contract
