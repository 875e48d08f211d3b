// SPDX-License-Identifier: Apache-2.0
// Where an event goes: PREFIX.PROJECT.TYPE, such as castra.demo.vm.ready. Pure.
#pragma once
#include <string>
#include <string_view>

namespace castra::nats {

// What no token of a subject may hold (white space, wildcards, ...) becomes "_", and so does an empty one. The dots of
// a type stay: they make "castra.*.vm.>" possible.
std::string subject_of(std::string_view prefix, std::string_view project, std::string_view type);

} // namespace castra::nats
