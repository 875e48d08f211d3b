// SPDX-License-Identifier: Apache-2.0
// The contract as a TypeScript module for programs that read the stream: an interface for each type, their union over
// `type`, and the two small functions a reader needs to do its duties (refuse another major, tell unknown types apart).
#pragma once
#include "contract/registry.hpp"

namespace castra::contract {

std::string typescript_module(const Registry& of = registry());

} // namespace castra::contract
